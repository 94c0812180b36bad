"""How do all hosts come to lead to one listener? A proxy on loopback that takes every CONNECT there."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class LoopbackProxy:
    """An HTTP proxy for CONNECT. A host that nobody stands in for is refused and noted: nothing leaves the machine."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._hosts = hosts
        self._listener_port = 0
        self._tunnels: set[asyncio.Task[None]] = set()
        self.refused: list[str] = []

    async def open(self, listener_port: int) -> str:
        """Starts to listen and gives the proxy's URL."""
        self._listener_port = listener_port
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        for tunnel in self._tunnels:
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = asyncio.create_task(self._tunnel(reader, writer))
        self._tunnels.add(tunnel)
        tunnel.add_done_callback(self._tunnels.discard)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                head = await reader.readuntil(b"\r\n\r\n")
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
                if method != "CONNECT" or not self._is_ours(target.rpartition(":")[0]):
                    self.refused.append(f"{method} {target}")
                    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                    return
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._join(reader, writer)
        finally:
            writer.transport.abort()

    def _is_ours(self, host: str) -> bool:
        return any(host == ours or (ours.startswith("*.") and host.endswith(ours[1:])) for ours in self._hosts)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._listener_port)
        ways = [asyncio.create_task(_copy(reader, inner_writer)), asyncio.create_task(_copy(inner_reader, writer))]
        try:
            await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            inner_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    # An end on one side is an end on the other: a dropped socket has to be seen as one.
    with suppress(ConnectionError, RuntimeError):
        writer.close()
