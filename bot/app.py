"""How is the whole put together, and in which order is it opened and closed?"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot import logs
from bot.access import Access
from bot.button import Keyboard, collect_buttons
from bot.chat import Platform
from bot.command import Kind
from bot.commands.admin import PAUSED, MemberAdmin, ModelAdmin, PlaceAdmin, QueueAdmin
from bot.commands.again import Again
from bot.commands.history import Keeping, Past
from bot.commands.imagine import Imagine
from bot.commands.models import Models
from bot.commands.queue import Waiting
from bot.commands.settings import Choices
from bot.completion import Completion
from bot.delivery import Delivery
from bot.heartbeat import beating
from bot.intake import Intake
from bot.messages import Messages
from bot.places import Places
from bot.platforms.connection import Desk
from bot.preferences import NO_STYLE, Preferences
from bot.router import Router
from bot.settings import Settings
from bot.start_images import StartImages
from generation import Catalogue, LocalWorker, Service, WorkerSetup
from storage import Database, History, Jobs, Members, Pictures, open_directory
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
async def open_app(settings: Settings, platforms: Mapping[str, Platform]) -> AsyncIterator[App]:
    """Open everything, take up what an earlier run left, and close it all in reverse order.

    Raises:
        GenerationError: the models file cannot be read, or the default model is not in it.
        StorageError: the data directory or the database cannot be used; nothing was written.
    """
    catalogue = Catalogue.load(extra=settings.generation.models_file, default=settings.generation.default_model)
    with open_directory(settings.data_dir) as directory, logs.kept_in(directory / "fairbrush.log", settings.secrets):
        pictures = Pictures(directory / "pictures")
        pictures.remove_partial()
        async with (
            Database(directory / "fairbrush.db") as database,
            _running(settings, catalogue, database, pictures, platforms) as app,
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


@contextlib.asynccontextmanager
async def _running(
    settings: Settings,
    catalogue: Catalogue,
    database: Database,
    pictures: Pictures,
    platforms: Mapping[str, Platform],
) -> AsyncIterator[App]:
    """Start the worker, the queue and the delivery on an open database."""
    jobs, members, notes = Jobs(database, pictures), Members(database), Notes(database)
    setup = WorkerSetup(
        catalogue=catalogue,
        device=settings.generation.device,
        log_file=str(settings.data_dir / "worker.log"),
    )
    worker = LocalWorker(
        setup,
        step_timeout_s=settings.generation.step_timeout_s,
        load_timeout_s=settings.generation.load_timeout_s,
    )
    is_paused = await notes.get(PAUSED) is not None
    service = Service(catalogue, worker, start_images=pictures.path, is_paused=is_paused)
    places = Places(catalogue, notes)
    keyboard = Keyboard(collect_buttons(Imagine, Again, Past, Keeping, Waiting))
    messages = Messages(catalogue, places, jobs, pictures, keyboard)
    delivery = Delivery(service, jobs, messages, platforms)
    async with worker, delivery, service:
        access = Access(settings.admins, members, jobs, notes)
        await access.load()
        preferences, history = Preferences(catalogue, notes), History(database)
        intake = Intake(service, jobs, members, places, delivery)
        groups = (
            Imagine(Completion(catalogue, places, preferences, StartImages(pictures, access, places)), access, intake),
            Again(catalogue, access, intake),
            Past(history, jobs, access, messages),
            Keeping(history, jobs, access, delivery),
            Waiting(service, delivery, jobs, access),
            Models(service, places),
            Choices(service, preferences),
            PlaceAdmin(service, places),
            ModelAdmin(service, places),
            QueueAdmin(service, notes, delivery),
            MemberAdmin(members, access),
        )
        offers = {Kind.MODEL: tuple(spec.name for spec in catalogue), Kind.STYLE: (*catalogue.styles, NO_STYLE)}
        await intake.resume()
        desk = Desk(router=Router(access, groups, offers), settings=notes, jobs=jobs)
        yield App(desk=desk, service=service, delivery=delivery, directory=settings.data_dir)
