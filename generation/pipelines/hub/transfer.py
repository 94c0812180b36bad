"""How is one file brought from the hub into the cache, going on where an earlier attempt stopped?

The library of the hub (2.4.0) cannot do that: it downloads into a file of a random name, thrown away when it fails. So
the bytes are fetched here, by its session and its headers, into one partial file a content, and the whole is checked
against the hash that the hub announced.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import time
from typing import BinaryIO, Protocol

from huggingface_hub import constants, hf_hub_url
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # they are public, though not declared so
    WeakFileLock,
    build_hf_headers,
    get_session,
    hf_raise_for_status,
)

from generation.errors import ModelLoadError
from generation.models.model import ModelSpec
from generation.pipelines.hub.listing import HubFile
from generation.pipelines.hub.refusals import HUB_ERRORS, is_transient, refusal

MOST_FAILURES = 5  # in a row, without a byte in between
MOST_DAMAGES = 2
WHOLE_ANSWER = 200
SHA1_LENGTH = 40
BLOCK = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


class _DamagedError(Exception):
    """What came is not what the hub announced."""


class _CutError(Exception):
    """The connection ended before the file did."""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def transfer(spec: ModelSpec, file: HubFile, *, first_pause_s: float) -> None:
    """Bring a file into the cache, unless it is there; a network that fails is tried again with growing pauses.

    Raises:
        ModelLoadError: it cannot be brought; the text says why. What has come is kept.
    """
    failures = damages = 0
    while True:
        before = file.there
        try:
            _attempt(file)
            return
        except HUB_ERRORS as error:
            if not is_transient(error):
                raise refusal(spec, file.need, error) from error
            log.warning("%s of %s broke off: %s", file.path, file.need.repository, type(error).__name__)
        except _CutError:
            log.warning("%s of %s was cut off", file.path, file.need.repository)
        except _DamagedError as error:
            damages += 1
            if damages == MOST_DAMAGES:
                raise ModelLoadError(
                    f"{spec.name} cannot be downloaded: {file.path} came damaged {damages} times."
                ) from error
        except OSError as error:
            raise ModelLoadError(_disk_text(spec, error)) from error
        failures = 1 if file.there > before else failures + 1
        if failures == MOST_FAILURES:
            raise ModelLoadError(
                f"{spec.name}: the connection to the hub broke off {failures} times in a row. What has come is kept: "
                "ask again later, and the download goes on from there."
            )
        time.sleep(first_pause_s * 2 ** (failures - 1))


def _disk_text(spec: ModelSpec, error: OSError) -> str:
    if error.errno in FULL:
        return (
            f"{spec.name}: the disk became full during the download. What has come is kept: make room and ask again, "
            "and it goes on from there."
        )
    return f"{spec.name} cannot be downloaded: the hub's cache cannot be written: {error.strerror}."


def _attempt(file: HubFile) -> None:
    """Fetch what is missing of a file and check it; whichever program fetches the same one waits meanwhile."""
    lock = file.shelf.lock(file.content)
    lock.parent.mkdir(parents=True, exist_ok=True)
    file.partial.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if file.blob.exists() or file.pointer.exists():
            return
        with file.partial.open("a+b") as stream:
            is_right = _fill(stream, file)
            os.fsync(stream.fileno())
        if not is_right:
            file.partial.unlink()
            raise _DamagedError
        file.partial.replace(file.blob)


def _fill(stream: BinaryIO, file: HubFile) -> bool:
    """Bring the rest of a file behind its beginning, and tell whether the whole has the hash that was announced."""
    digest = _new_digest(file)
    there = os.fstat(stream.fileno()).st_size
    stream.seek(0)
    while stream.tell() < there:
        digest.update(stream.read(min(BLOCK, there - stream.tell())))
    if stream.tell() < file.size:
        digest = _receive(stream, file, digest)
        if stream.tell() < file.size:
            raise _CutError
    return stream.tell() == file.size and digest.hexdigest() == file.content


def _receive(stream: BinaryIO, file: HubFile, digest: _Digest) -> _Digest:
    there = stream.tell()
    url = hf_hub_url(file.need.repository, file.path, revision=file.commit)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    with get_session().stream("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT) as response:
        hf_raise_for_status(response)
        if there and response.status_code == WHOLE_ANSWER:  # it knows no ranges
            stream.truncate(0)
            digest = _new_digest(file)
        for chunk in response.iter_bytes():
            stream.write(chunk)
            digest.update(chunk)
    stream.flush()
    return digest


def _new_digest(file: HubFile) -> _Digest:
    """Begin the hash that the hub names a file by: large ones by their bytes, small ones as git does."""
    if len(file.content) == SHA1_LENGTH:
        return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    return hashlib.sha256()
