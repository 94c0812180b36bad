"""How does a call come in over a socket, and what goes back, unless something goes wrong on purpose?"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from tests.standins.telegram import fields as incoming
from tests.standins.telegram.cloud import Cloud
from tests.standins.telegram.faults import Fault, Faults, Kind
from tests.standins.telegram.fields import Fields
from tests.standins.telegram.inspection import Inspection
from tests.standins.telegram.refusal import BotApiError

Method: TypeAlias = Callable[[Fields], Awaitable[Any]]

GRACE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """A call as it came in: what, where to, when by the clock, with which words, and the status of the answer.

    The status is 0 where no answer went out.
    """

    method: str
    chat: str
    at: float
    texts: Mapping[str, str]
    status: int


class Transport:
    """The HTTP server: paths, tokens, faults, and a record of every call."""

    def __init__(self, cloud: Cloud, methods: Mapping[str, Method], inspection: Inspection) -> None:
        self.token = f"{cloud.bot.id}:{'stand-in' * 5}"[:46]
        self.is_revoked = False
        self.faults = Faults()
        self.calls: list[ApiCall] = []
        self._cloud = cloud
        self._methods = methods
        self._inspection = inspection
        self._closing = asyncio.Event()
        self._heard = asyncio.Event()

    async def open(self) -> None:
        app = web.Application(client_max_size=2 * incoming.LARGEST_FILE)
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._answer)
        app.router.add_get("/file/bot{token:[^/]+}/{path:.+}", self._download)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=GRACE_S)
        await self._runner.setup()
        self._seat = _bound(0)  # holds the port even while nothing listens there
        self.port = int(self._seat.getsockname()[1])
        await self._listen()

    async def close(self) -> None:
        self._closing.set()
        self._cloud.updates.close()
        await self._runner.cleanup()
        self._seat.close()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Nothing listens on the port, and every connection is cut, until the end of the block."""
        await self._site.stop()
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        try:
            yield
        finally:
            await self._listen()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits until something is so, asked after each call."""
        while not is_so():
            self._heard.clear()
            await self._heard.wait()

    async def _listen(self) -> None:
        self._site = web.SockSite(self._runner, _bound(self.port))
        await self._site.start()

    async def _answer(self, request: web.Request) -> web.Response:
        method, at = request.match_info["method"], self._cloud.clock.now()
        fields, response = None, None
        try:
            fields = await incoming.read(request)
            fault = self.faults.take(method)
            if fault is None or fault.is_accepted:
                response = await self._carry_out(request.match_info["token"], method, fields)
            if fault is not None:
                response = await self._go_wrong(request, fault, fields)
        except BotApiError as error:
            response = web.json_response(error.to_json(), status=error.code)
        except Exception as error:  # noqa: BLE001 - a mistake of the stand-in must not pass for one of Telegram's
            self._inspection.note_break(method, error)
        finally:
            texts = {} if fields is None else dict(fields.texts)
            status = 0 if response is None else response.status
            self.calls.append(ApiCall(method=method, chat=texts.get("chat_id", ""), at=at, texts=texts, status=status))
            self._heard.set()
        return response or web.Response(status=500)

    async def _carry_out(self, token: str, method: str, fields: Fields) -> web.Response:
        self._check_token(token)
        self._inspection.check_call(method, fields)
        if method not in self._methods:
            raise BotApiError(404, "method not found")
        result = await self._methods[method](fields)
        self._inspection.check_answer(method, result)
        return web.json_response({"ok": True, "result": result})

    async def _go_wrong(self, request: web.Request, fault: Fault, fields: Fields) -> web.Response | None:
        match fault.kind:
            case Kind.FLOOD:
                self._cloud.limits.flood(fields.integer("chat_id"), fault.retry_after)
            case Kind.DROP:
                assert request.transport is not None
                request.transport.abort()
                return None
            case Kind.HANG:
                await self._closing.wait()
                return None
            case Kind.ERROR if fault.status == 502:
                return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        raise BotApiError(fault.status)

    async def _download(self, request: web.Request) -> web.Response:
        try:
            self._check_token(request.match_info["token"])
        except BotApiError as error:
            return web.json_response(error.to_json(), status=error.code)
        if (content := self._cloud.files.at(request.match_info["path"])) is None:
            return web.json_response(BotApiError(404).to_json(), status=404)
        return web.Response(body=content, content_type="application/octet-stream")

    def _check_token(self, token: str) -> None:
        if ":" not in token:
            raise BotApiError(404)
        if token != self.token or self.is_revoked:
            raise BotApiError(401)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound
