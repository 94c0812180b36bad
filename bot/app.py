"""How is the whole put together, and in which order is it opened and closed?"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot import logs
from bot.access import Access
from bot.chat import Platform
from bot.commands.admin import PAUSED, MemberAdmin, ModelAdmin, QueueAdmin
from bot.commands.history import Past
from bot.commands.imagine import Imagine
from bot.commands.models import Models
from bot.commands.queue import Waiting
from bot.defaults import Defaults
from bot.delivery import Delivery
from bot.heartbeat import beating
from bot.intake import Intake
from bot.router import Router
from bot.settings import Settings
from generation import Catalogue, LocalWorker, Service, WorkerSetup
from storage import Database, History, Jobs, Members, Pictures, open_directory
from storage import Settings as Choices


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What runs: the front door, and what a platform may want to look at beside it."""

    router: Router
    service: Service
    delivery: Delivery
    directory: Path


@contextlib.asynccontextmanager
async def open_app(settings: Settings, platforms: Mapping[str, Platform]) -> AsyncIterator[App]:
    """Open everything, take up what an earlier run left, and close it all in reverse order.

    Raises:
        GenerationError: the models file cannot be read, or the default model is not in it.
        StorageError: the data directory or the database cannot be used; nothing was written.
    """
    catalogue = Catalogue.load(extra=settings.generation.models_file, default=settings.generation.default_model)
    with open_directory(settings.data_dir) as directory, logs.kept_in(directory / "fairbrush.log"):
        pictures = Pictures(directory / "pictures")
        pictures.remove_partial()
        async with (
            Database(directory / "fairbrush.db") as database,
            _running(settings, catalogue, database, pictures, platforms) as app,
            beating(directory / "heartbeat"),
        ):
            yield app


@contextlib.asynccontextmanager
async def _running(
    settings: Settings,
    catalogue: Catalogue,
    database: Database,
    pictures: Pictures,
    platforms: Mapping[str, Platform],
) -> AsyncIterator[App]:
    """Start the worker, the queue and the delivery on an open database."""
    jobs, members, choices = Jobs(database, pictures), Members(database), Choices(database)
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
    service = Service(catalogue, worker, is_paused=await choices.get(PAUSED) is not None)
    delivery = Delivery(service, jobs, pictures, platforms)
    async with worker, delivery, service:
        intake = Intake(service, jobs, members, delivery)
        access = Access(settings.admins, members, jobs)
        defaults = Defaults(catalogue, choices)
        groups = (
            Imagine(catalogue, defaults, access, intake),
            Past(History(database), access, delivery),
            Waiting(service, delivery, jobs, access),
            Models(service, defaults),
            ModelAdmin(service, defaults),
            QueueAdmin(service, choices, delivery),
            MemberAdmin(members, access),
        )
        await intake.resume()
        yield App(router=Router(access, groups), service=service, delivery=delivery, directory=settings.data_dir)
