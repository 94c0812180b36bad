"""What stands in for the model hub: local servers that speak as much of its language as a download needs.

Two of them, as of the real one: the hub itself, and where its large files lie, to which it sends on whoever asks for
one. The second must never see a token.
"""

from __future__ import annotations

import hashlib
import json
import re
import select
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
BLOCK = 16_384
RANGE = re.compile(r"bytes=(\d+)-")
REPOSITORY = re.compile(r"/(?:api/models/)?([^/]+/[^/]+)")


@dataclass
class Repository:
    """What a repository holds, by path; `announced` are sizes that are not true. Who is let in has the token."""

    files: Mapping[str, bytes]
    commits: Mapping[str, str] = field(default_factory=lambda: {"main": COMMIT})
    is_gated: bool = False
    let_in: tuple[str, ...] = ()
    announced: Mapping[str, int] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()  # what is given to nobody, though it is listed

    def listed(self, path: str) -> dict[str, object]:
        """How the hub lists a file."""
        body = self.files[path]
        entry = {"rfilename": path, "size": self.announced.get(path, len(body)), "blobId": git_hash(body)}
        large = {"sha256": sha256(body), "size": len(body), "pointerSize": 134}
        return entry | ({"lfs": large} if is_large(path) else {})


class LocalHub:
    """Repositories by name, what goes wrong with their files, and what was served of them. Open it as a context."""

    def __init__(self) -> None:
        self.address = ""
        self.repositories: dict[str, Repository] = {}
        self.tokens: set[str] = {"valid", "other"}
        self.served: Counter[str] = Counter()  # bytes, by path
        self.calls = 0
        self.starts: dict[str, list[int]] = {}  # by path: the first byte of each answer
        self.cuts: dict[str, list[int]] = {}  # by path: after how many bytes the next answers end
        self.damaged: Counter[str] = Counter()  # by path: how many answers are wrong
        self.knows_ranges = True
        self.is_down = False
        self.is_down_for = 0  # so many calls
        self.leaked: list[str] = []  # tokens that a server got which must not see them
        self._held: dict[str, int] = {}
        self._change = threading.Condition()

    def publish(self, name: str, folder: Path, more: Mapping[str, bytes] | None = None, **facts: object) -> Repository:
        """Put the files of a folder into a repository."""
        found = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        self.repositories[name] = Repository({**found, **(more or {})}, **facts)  # type: ignore[arg-type]
        return self.repositories[name]

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """Listen for as long as the context lasts."""
        with _serving(self._answer) as self.address, _serving(self._answer_large) as self._large_address:
            yield self
            self.release()

    def hold(self, path: str, after: int) -> None:
        """Send no more than so many bytes of a file, counted over all answers, until it is released."""
        with self._change:
            self._held[path] = after

    def until_asked(self, path: str, times: int) -> None:
        """Wait until a file was asked for so many times."""
        with self._change:
            while len(self.starts.get(path, ())) < times:
                self._change.wait()

    def release(self) -> None:
        """Let all files go on."""
        with self._change:
            self._held.clear()
            self._change.notify_all()

    def _answer(self, call: BaseHTTPRequestHandler) -> None:
        """Say what a repository holds, or give one of its files."""
        self.calls += 1
        path = unquote(urlsplit(call.path).path)
        token = call.headers.get("Authorization", "").removeprefix("Bearer ")
        found = REPOSITORY.match(path)
        name = found[1] if found else ""
        repository = self.repositories.get(name)
        rest = path[found.end() :] if found else ""
        if self.is_down or self.is_down_for:
            self.is_down_for = max(0, self.is_down_for - 1)
            _send(call, 503)
        elif token and token not in self.tokens:
            _send(call, 401, message="Invalid credentials in Authorization header")
        elif repository is None:
            _send(call, 404 if token else 401, code="RepoNotFound")
        elif rest.startswith("/resolve/"):
            self._give(call, name, repository, rest.removeprefix("/resolve/"), token)
        elif rest == "/auth-check":
            self._guard(call, repository, token)
        else:
            self._describe(call, name, repository, rest.removeprefix("/revision/") or "main")

    def _describe(self, call: BaseHTTPRequestHandler, name: str, repository: Repository, revision: str) -> None:
        commit = repository.commits.get(revision, revision)
        if commit not in repository.commits.values():
            _send(call, 404, code="RevisionNotFound")
            return
        siblings = [repository.listed(path) for path in repository.files]
        gated = "auto" if repository.is_gated else False
        _send(call, 200, json.dumps({"id": name, "sha": commit, "gated": gated, "siblings": siblings}).encode())

    def _guard(self, call: BaseHTTPRequestHandler, repository: Repository, token: str) -> bool:
        """Tell whether somebody may go in; if not, and where nothing else is asked, answer."""
        may = not repository.is_gated or token in repository.let_in
        if not may:
            _send(call, 403 if token else 401, code="GatedRepo")
        elif call.path.endswith("/auth-check"):
            _send(call, 200)
        return may

    def _give(self, call: BaseHTTPRequestHandler, name: str, repository: Repository, rest: str, token: str) -> None:
        _, _, path = rest.partition("/")
        if not self._guard(call, repository, token):
            return
        if path not in repository.files:
            _send(call, 404, code="EntryNotFound")
        elif path in repository.withheld:
            _send(call, 403, code="GatedRepo")
        elif is_large(path):
            _send(call, 302, headers={"Location": f"{self._large_address}/{name}/{path}"})
        else:
            self._stream(call, path, repository.files[path])

    def _answer_large(self, call: BaseHTTPRequestHandler) -> None:
        if token := call.headers.get("Authorization"):
            self.leaked.append(token)
        owner, name, path = call.path[1:].split("/", 2)
        self._stream(call, path, self.repositories[f"{owner}/{name}"].files[path])

    def _stream(self, call: BaseHTTPRequestHandler, path: str, body: bytes) -> None:
        found = RANGE.match(call.headers.get("Range", "")) if self.knows_ranges else None
        start = int(found[1]) if found else 0
        with self._change:
            self.starts.setdefault(path, []).append(start)
            self._change.notify_all()
        headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if found else {}
        _begin(call, 206 if found else 200, len(body) - start, headers)
        if self.damaged[path]:
            self.damaged[path] -= 1
            body = bytes(byte ^ 1 for byte in body)
        end = self.cuts[path].pop(0) if self.cuts.get(path) else len(body)
        for place in range(start, end, BLOCK):
            block = body[place : min(place + BLOCK, end)]
            self._permit(path, block)
            if _has_left(call):
                return
            call.wfile.write(block)
            self.served[path] += len(block)
        call.close_connection = end < len(body)

    def _permit(self, path: str, block: bytes) -> None:
        """Wait until a block may be sent."""
        with self._change:
            while path in self._held and self.served[path] + len(block) > self._held[path]:
                self._change.wait()


def is_large(path: str) -> bool:
    """Tell whether the hub keeps a file apart from git."""
    return path.endswith((".safetensors", ".bin"))


def git_hash(body: bytes) -> str:
    """Give the name that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


def sha256(body: bytes) -> str:
    """Give the name that a large file's content has."""
    return hashlib.sha256(body).hexdigest()


@contextmanager
def _serving(answer: object) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(ConnectionError):  # whoever asked has gone
                super().handle()

        def do_GET(self) -> None:
            answer(self)  # type: ignore[operator]

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _has_left(call: BaseHTTPRequestHandler) -> bool:
    """Tell whether whoever asked is gone, and nothing that is sent arrives any more."""
    has_news, _, _ = select.select([call.connection], [], [], 0)
    return bool(has_news) and not call.connection.recv(1, socket.MSG_PEEK)


def _send(
    call: BaseHTTPRequestHandler,
    status: int,
    body: bytes = b"",
    *,
    code: str = "",
    message: str = "",
    headers: Mapping[str, str] | None = None,
) -> None:
    said = {"X-Error-Code": code, "X-Error-Message": message}
    _begin(call, status, len(body), {name: value for name, value in said.items() if value} | dict(headers or {}))
    call.wfile.write(body)


def _begin(call: BaseHTTPRequestHandler, status: int, length: int, headers: Mapping[str, str]) -> None:
    call.send_response(status)
    for name, value in {"Content-Length": str(length), **headers}.items():
        call.send_header(name, value)
    call.end_headers()
