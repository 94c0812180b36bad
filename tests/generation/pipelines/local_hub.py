"""What stands in for the model hub: a local server that speaks as much of its language as a download needs."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c0ffee" + "0" * 34
REFUSALS = {
    "studio/gated": (403, "GatedRepo"),
    "studio/none": (404, "RepoNotFound"),
    "studio/old": (404, "RevisionNotFound"),
}


class LocalHub:
    """A hub with one repository, "studio/tiny", and three that it refuses. `asked` holds what was fetched of it."""

    def __init__(self, files: Path, more: tuple[str, ...]) -> None:
        self.asked: set[str] = set()
        self.address = ""
        self._files = files
        self._names = [file.relative_to(files).as_posix() for file in files.rglob("*") if file.is_file()] + list(more)

    @contextmanager
    def opened(self) -> Iterator[LocalHub]:
        """Listen for as long as the context lasts."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        """Answer one call: what a repository holds, or one of its files."""
        refusal = next((REFUSALS[name] for name in REFUSALS if f"/{name}/" in call.path), None)
        if refusal is not None:
            _send(call, refusal[0], b"", {"X-Error-Code": refusal[1]})
        elif "/tree/" in call.path:
            tree = [{"type": "file", "path": name, "size": 1, "oid": "0" * 40} for name in self._names]
            _send(call, 200, json.dumps(tree).encode())
        elif "/resolve/" in call.path:
            name = call.path.partition(f"/resolve/{COMMIT}/")[2]
            self.asked.add(name)
            body = (self._files / name).read_bytes()
            _send(call, 200, body, {"ETag": f'"{hashlib.sha256(body).hexdigest()[:40]}"', "X-Repo-Commit": COMMIT})
        else:
            held = {"id": "studio/tiny", "sha": COMMIT, "siblings": [{"rfilename": name} for name in self._names]}
            _send(call, 200, json.dumps(held).encode())


def _send(call: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    call.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
        call.send_header(name, value)
    call.end_headers()
    if call.command == "GET":
        call.wfile.write(body)
