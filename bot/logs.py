"""Where do logs go? To a file in the data directory, never to a chat or a terminal."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

LARGEST_BYTES = 5_000_000
OLD_FILES = 2


@contextlib.contextmanager
def kept_in(path: Path) -> Iterator[None]:
    """Write our own logs and those of libraries to this file, which is turned over when it grows large."""
    handler = RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(),
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "logger", "event"]),
            ],
            foreign_pre_chain=SHARED,
        )
    )
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root = logging.getLogger()
    root.addHandler(handler)
    level, root.level = root.level, logging.INFO
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a log that cannot be written is nothing to show in a chat
    try:
        yield
    except Exception:
        structlog.get_logger(__name__).exception("stopped by an error")
        raise
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


SHARED: list[structlog.typing.Processor] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]
