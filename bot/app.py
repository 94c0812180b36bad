"""How is the whole put together, and in which order is it opened and closed?"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot import logs
from bot.access import Access
from bot.arrivals import Arrivals
from bot.button import Keyboard, collect_buttons
from bot.chat import Platform
from bot.command import Kind
from bot.commands.admin import (
    PAUSED,
    BoostAdmin,
    MemberAdmin,
    ModelAdmin,
    PlaceAdmin,
    PolicyAdmin,
    QueueAdmin,
    QuotaAdmin,
    WeightAdmin,
)
from bot.commands.again import Again
from bot.commands.history import Keeping, Past
from bot.commands.imagine import Imagine
from bot.commands.instead import Instead
from bot.commands.link import Linking
from bot.commands.loras import Loras
from bot.commands.models import Models
from bot.commands.queue import Waiting
from bot.commands.quota import Allowance
from bot.commands.settings import Choices
from bot.commands.why import Why
from bot.completion import Completion
from bot.delivery import Delivery
from bot.heartbeat import beating
from bot.intake import Intake
from bot.links import Links
from bot.messages import Messages
from bot.places import Places
from bot.platforms.connection import Desk
from bot.policies import Policies
from bot.preferences import NO_STYLE, Preferences
from bot.quotas import Quotas
from bot.recorder import Recorder, restored
from bot.resumption import Resumption
from bot.router import Offer, Router
from bot.settings import Settings
from bot.start_images import StartImages
from bot.weights import Weights
from generation import (
    OUTLOOK_PAUSE_S,
    Catalogue,
    LocalFetcher,
    LocalWorker,
    Service,
    WorkerSetup,
    Workshop,
    find_backend,
)
from storage import Database, History, Jobs, Ledger, Measurements, Members, Offers, Pictures, open_directory
from storage import Settings as Notes


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What runs: the front door, and what a platform may want to look at beside it."""

    desk: Desk
    service: Service
    delivery: Delivery
    directory: Path

    @property
    def router(self) -> Router:
        """The front door."""
        return self.desk.router


@contextlib.asynccontextmanager
async def open_app(
    settings: Settings, platforms: Mapping[str, Platform], *, outlook_pause_s: float = OUTLOOK_PAUSE_S
) -> AsyncIterator[App]:
    """Open everything, take up what an earlier run left, and close it all in reverse order.

    Between two dry runs of the queue, `outlook_pause_s` seconds go by.

    Raises:
        GenerationError: the models file cannot be read, the default model is not in it, or what is to compile models is
            not installed.
        StorageError: the data directory or the database cannot be used; nothing was written.
    """
    catalogue = Catalogue.load(
        extra=settings.generation.models_file,
        default=settings.generation.default_model,
        loras=settings.loras_dir,
    )
    with open_directory(settings.data_dir) as directory, logs.kept_in(directory / "fairbrush.log", settings.secrets):
        if settings.loras_dir.parent == directory:
            settings.loras_dir.mkdir(exist_ok=True)
        pictures = Pictures(directory / "pictures")
        pictures.remove_partial()
        async with (
            Database(directory / "fairbrush.db") as database,
            _running(settings, catalogue, _Kept.of(database, pictures), platforms, outlook_pause_s) as app,
            beating(directory / "heartbeat"),
        ):
            yield app


@contextlib.asynccontextmanager
async def open_access(settings: Settings) -> AsyncIterator[Access]:
    """Open the members' rights alone, without queue and worker.

    Raises:
        StorageError: the data directory cannot be used, such as while the bot is running.
    """
    with open_directory(settings.data_dir) as directory, logs.kept_in(directory / "fairbrush.log", settings.secrets):
        async with Database(directory / "fairbrush.db") as database:
            jobs = Jobs(database, Pictures(directory / "pictures"))
            access = Access(settings.admins, Members(database), jobs, Notes(database))
            await access.load()
            yield access


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The parts of an open database."""

    jobs: Jobs
    history: History
    members: Members
    ledger: Ledger
    measurements: Measurements
    notes: Notes
    offers: Offers
    pictures: Pictures

    @classmethod
    def of(cls, database: Database, pictures: Pictures) -> _Kept:
        return cls(
            jobs=Jobs(database, pictures),
            history=History(database),
            members=Members(database),
            ledger=Ledger(database),
            measurements=Measurements(database),
            notes=Notes(database),
            offers=Offers(database),
            pictures=pictures,
        )


@contextlib.asynccontextmanager
async def _running(
    settings: Settings,
    catalogue: Catalogue,
    kept: _Kept,
    platforms: Mapping[str, Platform],
    outlook_pause_s: float,
) -> AsyncIterator[App]:
    """Start the workers, the queue and the delivery on an open database."""
    workers = [_worker(settings, catalogue, device) for device in settings.generation.devices]
    service = Service(
        catalogue,
        workers,
        policy=settings.queue.policy,
        learned=[restored(record) for record in await kept.measurements.all()],
        waits=[(foretold_ms / 1000, waited_ms / 1000) for foretold_ms, waited_ms in await kept.ledger.waits()],
        start_images=kept.pictures.path,
        fetcher=LocalFetcher(str(settings.data_dir / "worker.log")),
        is_paused=await kept.notes.get(PAUSED) is not None,
        outlook_pause_s=outlook_pause_s,
    )
    places = Places(catalogue, kept.notes)
    keyboard = Keyboard(collect_buttons(Imagine, Again, Past, Keeping, Waiting, Why))
    messages = Messages(catalogue, places, kept.jobs, kept.pictures, keyboard)
    delivery = Delivery(service, kept.jobs, Recorder(kept.jobs, kept.measurements), messages, platforms)
    async with contextlib.AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        await stack.enter_async_context(delivery)
        await stack.enter_async_context(service)
        arrivals = await stack.enter_async_context(Arrivals(service, kept.notes, platforms))
        desk = await _desk(settings, kept, service, delivery, messages, places, arrivals)
        yield App(desk=desk, service=service, delivery=delivery, directory=settings.data_dir)


async def _desk(
    settings: Settings,
    kept: _Kept,
    service: Service,
    delivery: Delivery,
    messages: Messages,
    places: Places,
    arrivals: Arrivals,
) -> Desk:
    """Put together what people talk to, and take up what an earlier run left."""
    catalogue = service.catalogue
    access = Access(settings.admins, kept.members, kept.jobs, kept.notes)
    await access.load()
    links = Links(kept.members, kept.notes, service)
    await links.load()
    policies = Policies(service, kept.notes, settings.queue.policy)
    await policies.load()
    preferences = Preferences(catalogue, kept.notes)
    quotas, weights = Quotas(kept.notes, access, links), Weights(kept.notes, kept.members, links, service)
    intake = Intake(service, kept.jobs, places, delivery, quotas, weights, links, kept.offers)
    await Resumption(service, kept.jobs, kept.members, delivery, intake).resume()
    await arrivals.resume()
    groups = (
        Imagine(
            Completion(catalogue, places, quotas, preferences, StartImages(kept.pictures, access, places)),
            access,
            intake,
        ),
        Again(catalogue, access, intake),
        Instead(kept.offers, intake),
        Past(kept.history, kept.jobs, access, messages),
        Keeping(kept.history, kept.jobs, access, delivery),
        Waiting(service, delivery, kept.jobs, access),
        Why(service, delivery, access),
        Models(service, places),
        Loras(catalogue, places),
        Choices(service, preferences),
        Allowance(quotas, kept.ledger),
        Linking(links),
        PlaceAdmin(service, places),
        ModelAdmin(service, places, access, arrivals),
        QueueAdmin(service, kept.notes, delivery),
        PolicyAdmin(service, policies, kept.ledger, kept.measurements, kept.members),
        BoostAdmin(service, kept.jobs, access, delivery),
        MemberAdmin(kept.members, access, links),
        QuotaAdmin(quotas, catalogue),
        WeightAdmin(weights),
    )
    offers: dict[Kind, Offer] = {
        Kind.MODEL: lambda: tuple(spec.name for spec in catalogue),
        Kind.STYLE: lambda: (*catalogue.styles, NO_STYLE),
        Kind.LORA: lambda: catalogue.loras.names,
    }
    return Desk(router=Router(access, links, groups, offers), settings=kept.notes, jobs=kept.jobs)


def _worker(settings: Settings, catalogue: Catalogue, device: str) -> LocalWorker:
    setup = WorkerSetup(
        catalogue=catalogue,
        device=device,
        log_file=str(settings.data_dir / "worker.log"),
        precision=settings.generation.wanted_precision,
        vram_limit_gib=settings.generation.vram_limit_gib,
        workshop=Workshop(backend=find_backend(settings.generation.compile), directory=settings.data_dir / "compiled"),
    )
    return LocalWorker(
        setup,
        step_timeout_s=settings.generation.step_timeout_s,
        load_timeout_s=settings.generation.load_timeout_s,
    )
