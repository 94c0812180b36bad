"""What happens to each interaction that comes in: who takes it, what becomes of it, and who cleans up?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot import wording
from bot.chat import Answer, Attachment, Button, Call, Platform, Tone, View
from bot.platforms.connection import Desk
from bot.platforms.discord.calls import Interaction, is_age_restricted, is_reached_by_id, member_of, place_of, server_of
from bot.platforms.discord.replies import InteractionReply
from bot.platforms.discord.tokens import LIFE_S, Tokens
from bot.platforms.leaving import Posts

FINISH_S = 5.0

Run = Callable[[Call], Awaitable[Answer]]

log = structlog.get_logger()


class Inbox:
    """Hands commands, presses and filled-in forms to the desk, each in a task of its own."""

    def __init__(self, desk: Desk, platform: Platform, tokens: Tokens, posts: Posts) -> None:
        self.desk = desk
        self._platform = platform
        self._tokens = tokens
        self._posts = posts
        self._tasks: set[asyncio.Task[None]] = set()

    def take_line(self, interaction: Interaction, line: str, attachments: tuple[Attachment, ...] = ()) -> None:
        """Run a typed command."""
        self._take(interaction, lambda call: self.desk.router.run_line(call, line), attachments)

    def take_press(self, interaction: Interaction, button: Button, text: str | None = None) -> None:
        """Do what a button means; `text` is what was filled into its form."""
        self._take(interaction, lambda call: self.desk.router.press(call, button, text))

    def say(self, interaction: Interaction, text: str, tone: Tone = Tone.REFUSED) -> None:
        """Answer in words only."""
        view = View(text=text, tone=tone)

        async def answer(call: Call) -> Answer:
            await call.reply.answer(view)
            return view

        self._take(interaction, answer)

    async def close(self, *, is_urgent: bool) -> None:
        """End what is under way; without urgency, let it come to its end for a while."""
        if self._tasks and not is_urgent:
            await asyncio.wait(self._tasks, timeout=FINISH_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, interaction: Interaction, run: Run, attachments: tuple[Attachment, ...] = ()) -> None:
        place = place_of(interaction)
        token = None if is_reached_by_id(interaction) else self._tokens.new(interaction, place)
        reply = InteractionReply(interaction, place, self._platform, self._tokens, self._posts, token)
        message = interaction.message
        call = Call(
            key=f"discord:{interaction.id}",
            member=member_of(interaction),
            place=place,
            platform=self._platform,
            reply=reply,
            attachments=attachments,
            server=server_of(interaction),
            is_alone=True,  # private answers are ephemeral
            is_age_restricted=is_age_restricted(interaction),
            reach_s=None if token is None else LIFE_S,
            message_id="" if message is None else str(message.id),
        )
        self._start(reply.watch(), f"patience with {call.key}")
        self._start(_handle(call, run), call.key)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _handle(call: Call, run: Run) -> None:
    """The one place where a fault of ours on the way becomes words."""
    try:
        await run(call)
    except Exception:
        log.exception("interaction broke", key=call.key)
        await call.reply.answer(View(text=wording.BROKEN, tone=Tone.FAILED))
