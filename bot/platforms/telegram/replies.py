"""How is somebody answered on Telegram, be it to what they wrote or to a button that they pressed?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import structlog
from telegram.error import TelegramError

from bot.chat import Form, Member, Place, Tone, View
from bot.platforms.telegram import forms
from bot.platforms.telegram.budget import Urgency
from bot.platforms.telegram.calls import Calls
from bot.platforms.telegram.messages import Messages
from bot.platforms.telegram.outbox import Outbox
from bot.platforms.telegram.text import MOST_TOAST, units

SETTLE_S = 1.5  # a press that is not answered within seconds fails on the screen

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An open line to Telegram: what replies are sent with."""

    calls: Calls
    messages: Messages
    outbox: Outbox


class WrittenReply:
    """Answers a message; in a group, as a reply to it."""

    def __init__(self, line: Line, place: Place, member: Member, reply_to: int | None) -> None:
        self._line = line
        self._place = place
        self._member = member
        self._reply_to = reply_to

    async def answer(self, view: View) -> None:
        """Send an answer in its turn."""

        async def send() -> None:
            await self._line.messages.say(self._place, view, reply_to=self._reply_to)

        self._line.outbox.put(self._place.channel, send)

    async def acknowledge(self, view: View, key: str) -> str:
        """Send a new job's message."""
        return await self._line.messages.post(
            self._place, view, key, urgency=Urgency.ACKNOWLEDGEMENT, reply_to=self._reply_to
        )

    async def ask(self, form: Form) -> None:
        """Send a form in its turn."""

        async def send() -> None:
            await forms.ask(self._line.calls, self._place, self._member, form)

        self._line.outbox.put(self._place.channel, send)


class PressedReply:
    """Answers a press: Telegram wants a word within seconds, which may be a short text for the presser alone."""

    def __init__(self, line: Line, place: Place, member: Member, query_id: str) -> None:
        self._line = line
        self._written = WrittenReply(line, place, member, None)
        self._query_id = query_id
        self._is_settled = False

    async def answer(self, view: View) -> None:
        """Show a short private answer where only the presser sees it, and all else as a message."""
        is_short = units(view.text) <= MOST_TOAST and not view.pictures and not view.buttons
        if view.is_private and is_short and not self._is_settled:
            self._is_settled = True
            self._line.outbox.run(partial(self._toast, view), "toast")
        else:
            self.settle()
            await self._written.answer(view)

    async def acknowledge(self, view: View, key: str) -> str:
        """Send a new job's message."""
        self.settle()
        return await self._written.acknowledge(view, key)

    async def ask(self, form: Form) -> None:
        """Send a form in its turn."""
        self.settle()
        await self._written.ask(form)

    def settle(self) -> None:
        """Tell Telegram that the press arrived, if that was not done yet."""
        if not self._is_settled:
            self._is_settled = True
            self._line.outbox.run(self._confirm, "press confirmed")

    async def _confirm(self) -> None:
        try:
            await self._line.calls.bot.answer_callback_query(self._query_id)
        except TelegramError as error:  # it is too old: nothing waits for it any more
            log.info("press not confirmed", reason=type(error).__name__)

    async def _toast(self, view: View) -> None:
        try:
            await self._line.calls.bot.answer_callback_query(
                self._query_id, view.text, show_alert=view.tone is not Tone.GOOD
            )
        except TelegramError as error:
            log.info("press not answered", reason=type(error).__name__)
            await self._written.answer(view)
