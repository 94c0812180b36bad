"""How does the bot hear of what happens: connect, identify, heartbeat, drop, resume?"""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

HOST, RESUME_HOST = "gateway.discord.gg", "gateway-loopback.discord.gg"
HEARTBEAT_MS = 41_250
PRIVILEGED_INTENTS = 1 << 1 | 1 << 8 | 1 << 15
IDENTIFY_LIMIT = 1000


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    RESUME = 6
    RECONNECT = 7
    MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Close(IntEnum):
    UNKNOWN = 4000
    NOT_AUTHENTICATED = 4003
    BAD_TOKEN = 4004
    BAD_SEQUENCE = 4007
    FORBIDDEN_INTENTS = 4014


@dataclass(eq=False)
class Session:
    """What the bot has been told since it identified; without a line it waits to be resumed."""

    id: str
    intents: int
    line: Line | None = None
    told: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, event: str, data: Any) -> None:
        message = {"op": Op.DISPATCH, "t": event, "s": len(self.told) + 1, "d": data}
        self.told.append(message)
        if self.line is not None:
            self.line.send(message)


class Line:
    """One websocket, compressed as the client asked. What is sent goes out in order."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self._transport = request.transport
        self._stream = zlib.compressobj() if request.query.get("compress") == "zlib-stream" else None
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, message: dict[str, Any]) -> None:
        self._queue.put_nowait(message)

    def say(self, op: Op, data: Any = None) -> None:
        self.send({"op": op, "t": None, "s": None, "d": data})

    async def write(self) -> None:
        """Sends what is to be sent until the line ends."""
        with suppress(ConnectionError):
            while not self.socket.closed:
                text = json.dumps(await self._queue.get())
                if self._stream is None:
                    await self.socket.send_str(text)
                else:
                    packed = self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)
                    await self.socket.send_bytes(packed)

    def cut(self) -> None:
        """Ends the line without a word."""
        if self._transport is not None:
            self._transport.abort()


class Gateway:
    """Takes the bot's websockets. Counts identifies: after a thousand a day Discord resets the token."""

    def __init__(self, token: Callable[[], str], reset_token: Callable[[], None], violations: list[str]) -> None:
        self._token = token
        self._reset_token = reset_token
        self._violations = violations
        self.ready: Callable[[], dict[str, Any]] = dict
        self.first_sight: Callable[[], list[dict[str, Any]]] = list
        self.identifies = 0
        self.resumes = 0
        self.heartbeats = 0
        self.intents = 0
        self.allowed_intents = ~PRIVILEGED_INTENTS
        self.is_down = False
        self._sessions: dict[str, Session] = {}
        self._lines: set[Line] = set()
        self._changed = asyncio.Event()

    @property
    def is_heard(self) -> bool:
        """Whether a bot is connected, or was and can still resume."""
        return bool(self._sessions)

    @property
    def is_connected(self) -> bool:
        return any(session.line is not None for session in self._sessions.values())

    async def until_connected(self) -> None:
        """Waits until a bot has identified or resumed."""
        while not self.is_connected:
            await self._change()

    async def until_disconnected(self) -> None:
        """Waits until all lines have ended."""
        while self._lines:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def dispatch(self, event: str, data: Any, intent: int = 0) -> None:
        """Tells every session that asked for such events; a session without a line hears of it when it resumes."""
        for session in list(self._sessions.values()):
            if not intent or session.intents & intent:
                session.tell(event, data)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.is_down:
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        line = Line(socket, request)
        self._lines.add(line)
        writing = asyncio.create_task(line.write())
        try:
            line.say(Op.HELLO, {"heartbeat_interval": HEARTBEAT_MS})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(json.loads(message.data), line, request.host)
        finally:
            writing.cancel()
            self._lines.discard(line)
            self._lose(line, socket.close_code)
        return socket

    def _lose(self, line: Line, code: int | None) -> None:
        """A bot that closes with 1000 or 1001 says that it does not want to resume."""
        for session in [session for session in self._sessions.values() if session.line is line]:
            session.line = None
            if code in {WSCloseCode.OK, WSCloseCode.GOING_AWAY}:
                del self._sessions[session.id]
        self._changed.set()

    async def _take(self, message: dict[str, Any], line: Line, host: str) -> None:
        data = message.get("d")
        match message["op"]:
            case Op.HEARTBEAT:
                self.heartbeats += 1
                line.say(Op.HEARTBEAT_ACK)
            case Op.IDENTIFY:
                await self._identify(data or {}, line)
            case Op.RESUME:
                await self._resume(data or {}, line, host)
            case Op.PRESENCE | Op.MEMBERS:
                pass
            case op:
                self._violations.append(f"gateway: a bot does not send the operation {op}")

    async def _identify(self, data: dict[str, Any], line: Line) -> None:
        if data.get("token") != self._token():
            await line.socket.close(code=Close.BAD_TOKEN, message=b"Authentication failed.")
            return
        self.identifies += 1
        if self.identifies >= IDENTIFY_LIMIT:
            self._reset_token()
        self.intents = data["intents"]
        if self.intents & ~self.allowed_intents:
            await line.socket.close(code=Close.FORBIDDEN_INTENTS, message=b"Disallowed intent(s).")
            return
        session = Session(secrets.token_hex(16), self.intents, line)
        self._sessions[session.id] = session
        self._changed.set()
        told = {"session_id": session.id, "resume_gateway_url": f"wss://{RESUME_HOST}", "shard": [0, 1]}
        session.tell("READY", self.ready() | told)
        for guild in self.first_sight():
            session.tell("GUILD_CREATE", guild)

    async def _resume(self, data: dict[str, Any], line: Line, host: str) -> None:
        if data.get("token") != self._token():
            await line.socket.close(code=Close.BAD_TOKEN, message=b"Authentication failed.")
            return
        session = self._sessions.get(data.get("session_id") or "")
        if session is None or data["seq"] is None or data["seq"] > len(session.told):
            line.say(Op.INVALID_SESSION, False)
            return
        if host != RESUME_HOST:
            self._violations.append(f"gateway: a session is resumed at {RESUME_HOST}, not at {host}")
        self.resumes += 1
        session.line = line
        self._changed.set()
        for missed in session.told[data["seq"] :]:
            line.send(missed)
        session.tell("RESUMED", {})

    def drop(self) -> None:
        """Cuts all lines; the sessions can be resumed."""
        for line in list(self._lines):
            for session in self._sessions.values():
                if session.line is line:
                    session.line = None
            line.cut()

    def ask_to_reconnect(self) -> None:
        """As Discord does before it takes a server down."""
        for line in list(self._lines):
            line.say(Op.RECONNECT)

    def invalidate(self) -> None:
        """Ends all sessions: the bot has to identify again."""
        self._sessions.clear()
        for line in list(self._lines):
            line.say(Op.INVALID_SESSION, False)

    def forget(self) -> None:
        """Ends all sessions without a word: the next RESUME is refused."""
        self._sessions.clear()
        for line in list(self._lines):
            line.cut()
