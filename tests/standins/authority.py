"""Who vouches for the stand-ins' TLS certificates? A throw-away authority, made once a test run."""

from __future__ import annotations

import atexit
import functools
import ssl
import tempfile
from pathlib import Path

import trustme


@functools.cache
def _authority() -> tuple[trustme.CA, Path]:
    directory = tempfile.TemporaryDirectory(prefix="fairbrush-test-authority-")
    atexit.register(directory.cleanup)
    authority, file = trustme.CA(), Path(directory.name) / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, file


def authority_file() -> Path:
    """The certificate to trust: what SSL_CERT_FILE has to name before aiohttp is imported."""
    return _authority()[1]


@functools.cache
def server_context(*hosts: str) -> ssl.SSLContext:
    """What a server needs to be these hosts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority()[0].issue_cert(*hosts).configure_cert(context)
    return context
