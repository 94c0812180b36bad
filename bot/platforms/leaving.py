"""How does a remote platform leave without a message there of which nobody knows?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

ANSWERED_S = 0.7


class Posts:
    """The calls under way that show new messages. Their answers say under which ids, so whoever leaves awaits them."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Future[None]] = set()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Count what is called in this block."""
        answered = asyncio.get_running_loop().create_future()
        self._under_way.add(answered)
        try:
            yield
        finally:
            self._under_way.discard(answered)
            answered.set_result(None)

    async def answered(self) -> None:
        """Wait until there are none, or for a moment: what is not answered by then may never be."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=ANSWERED_S)
