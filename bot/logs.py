"""Where do logs go? To a file in the data directory, and for a server also to its standard error; never to a chat."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Collection, Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from bot.chat import CommandError

LARGEST_BYTES = 5_000_000
OLD_FILES = 2
HIDDEN = "•••"
CHATTY = ("httpx", "httpcore", "telegram", "discord", "alembic")  # they log each request, token in the URL and all
REPETITIVE = ("telegram.request",)  # logs, with a traceback, what it raises as well

SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]


FOR_TOOLS: list[structlog.typing.Processor] = [
    structlog.processors.ExceptionRenderer(),
    structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"]),
]


class _Discreet(structlog.stdlib.ProcessorFormatter):
    """Writes a line in which no secret is ever to be read, not even in a traceback."""

    def __init__(self, secrets: Collection[str], renderers: Collection[structlog.typing.Processor]) -> None:
        meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        super().__init__(processors=[meta, *renderers], foreign_pre_chain=SHARED)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


@contextlib.contextmanager
def kept_in(path: Path, secrets: Collection[str]) -> Iterator[None]:
    """Write our own logs and those of libraries to this file, which is turned over when it grows large."""
    handler = RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(_Discreet(secrets, FOR_TOOLS))
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root = logging.getLogger()
    root.addHandler(handler)
    level, root.level = root.level, logging.INFO
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in REPETITIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a log that cannot be written is nothing to show in a chat
    try:
        yield
    except CommandError:
        raise  # words for whoever is at the command line
    except Exception:
        structlog.get_logger(__name__).exception("stopped by an error")
        raise
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


@contextlib.contextmanager
def shown(secrets: Collection[str]) -> Iterator[None]:
    """Show the logs on standard error as well, for whoever runs a server, and easier to read."""
    handler = logging.StreamHandler(sys.stderr)
    # The library's own choice of a traceback shows the values of variables.
    for_people = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        pad_event_to=0,
        repr_native_str=True,
        exception_formatter=structlog.dev.plain_traceback,
    )
    handler.setFormatter(_Discreet(secrets, [for_people]))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
