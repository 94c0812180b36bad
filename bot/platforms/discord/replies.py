"""How is an interaction answered: within three seconds, once, and by another way where that fails?"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING

import discord
import structlog
from discord import InteractionType

from bot.chat import Form, MessageGoneError, NotNowError, Place, Platform, Tone, UndeliverableError, View
from bot.platforms.discord.buttons import modal
from bot.platforms.discord.errors import CALL_ERRORS, UNKNOWN_INTERACTION, may_have_passed, translated
from bot.platforms.discord.messages import Draft, drafted
from bot.platforms.discord.tokens import Token, Tokens
from bot.platforms.leaving import Posts

if TYPE_CHECKING:
    from bot.platforms.discord.client import FairbrushClient

DEFER_AFTER_S = 1.5  # of the three seconds that Discord gives
FIRST_ANSWER_S = 5.0  # by then the library only repeats what Discord no longer takes
HEAVY_BYTES = 256 * 1024  # files that may take longer to send than those seconds

ASIDE = "…"
TOO_LATE = View(text="That took too long: press the button again.", tone=Tone.REFUSED)

log = structlog.get_logger()


class _Stand(Enum):
    """How an interaction stands with Discord."""

    OPEN = auto()  # nothing was said yet
    THINKING = auto()  # a placeholder is there, which the answer replaces
    DEFERRED = auto()  # a press was taken in, which shows nothing
    LOST = auto()  # Discord does not know it any more


class InteractionReply:
    """The answer to one interaction. Whoever speaks first has its only first answer; `watch` does when time is up.

    `token` is what the answer hangs on where the bot is no member.
    """

    def __init__(
        self,
        interaction: discord.Interaction[FairbrushClient],
        place: Place,
        platform: Platform,
        tokens: Tokens,
        posts: Posts,
        token: Token | None,
    ) -> None:
        self._interaction = interaction
        self._place = place
        self._platform = platform
        self._tokens = tokens
        self._posts = posts
        self._token = token
        self._taken = asyncio.Event()
        self._deferral: asyncio.Future[_Stand] | None = None
        self._is_private = False  # the placeholder
        self._is_command = interaction.type is InteractionType.application_command

    async def watch(self) -> None:
        """Ask Discord for time when the answer takes long."""
        try:
            async with asyncio.timeout(DEFER_AFTER_S):
                await self._taken.wait()
        except TimeoutError:
            if not self._taken.is_set():
                await self._defer(is_private=False, is_shown=self._is_command)

    async def answer(self, view: View) -> None:
        """Show the direct answer; what cannot be shown now is lost."""
        draft = await drafted(view)
        try:
            with translated():
                await self._answer(view, draft, is_private=view.is_private or view.tone is not Tone.GOOD)
        except (NotNowError, UndeliverableError, MessageGoneError) as error:
            log.warning("answer lost", interaction=self._interaction.id, reason=str(error))

    async def acknowledge(self, view: View, key: str) -> str:
        """Show a new job's message as the answer, or if Discord does not take that, as a message of its own."""
        draft = await drafted(view)
        with self._posts.one():
            message_id = await self._acknowledge(draft)
        if message_id is not None:
            if self._token is not None:
                self._tokens.keep(message_id, self._token)
            return message_id
        if self._token is not None:
            raise UndeliverableError("the bot is no member there, and the interaction is lost")
        return await self._platform.post(self._place, view, key)

    async def ask(self, form: Form) -> None:
        """Show a form, which can only be the first answer."""
        if await self._stand() is not _Stand.OPEN:
            await self.answer(TOO_LATE)
            return
        try:
            async with asyncio.timeout(FIRST_ANSWER_S):
                await self._interaction.response.send_modal(modal(form))
        except CALL_ERRORS as error:
            self._complain("form not shown", error)

    async def _answer(self, view: View, draft: Draft, *, is_private: bool) -> None:
        match await self._stand_for(draft, is_private=is_private):
            case _Stand.OPEN:
                if await self._send_first(draft, is_private=is_private) is None:
                    await self._post_instead(view)
            case _Stand.THINKING if is_private and not self._is_private:
                await self._answer_aside(draft)
            case _Stand.THINKING:
                await self._interaction.edit_original_response(**draft.edit())
            case _Stand.DEFERRED:
                await self._interaction.followup.send(**draft.new(), ephemeral=is_private)
            case _Stand.LOST:
                await self._post_instead(view)

    async def _answer_aside(self, draft: Draft) -> None:
        """Answer privately, although the placeholder is open to all.

        The first message after a placeholder takes its place and is as open: hence something else does, and goes.
        """
        await self._interaction.edit_original_response(content=ASIDE)
        await self._interaction.delete_original_response()
        await self._interaction.followup.send(**draft.new(), ephemeral=True)

    async def _acknowledge(self, draft: Draft) -> str | None:
        """Give the id of the message; None if the interaction is of no use for it."""
        stand = await self._stand_for(draft, is_private=False)
        if stand is _Stand.OPEN:
            return await self._send_first(draft, is_private=False)
        try:
            if stand is _Stand.THINKING:
                return str((await self._interaction.edit_original_response(**draft.edit())).id)
            if stand is _Stand.DEFERRED and self._token is not None:
                self._token.use_follow_up()
                return str((await self._interaction.followup.send(**draft.new(), wait=True)).id)
        except CALL_ERRORS as error:
            self._complain("answer failed", error)
        return None

    async def _send_first(self, draft: Draft, *, is_private: bool) -> str | None:
        """Answer at once and give the message's id; None if there is none."""
        try:
            async with asyncio.timeout(FIRST_ANSWER_S):
                sent = await self._interaction.response.send_message(**draft.new(), ephemeral=is_private)
            return str(sent.message_id)
        except CALL_ERRORS as error:
            self._complain("first answer failed", error)
            return await self._original() if may_have_passed(error) else None

    async def _original(self) -> str | None:
        """Give the id of an answer that Discord may have taken, although it did not say so."""
        try:
            async with asyncio.timeout(FIRST_ANSWER_S):
                return str((await self._interaction.original_response()).id)
        except (*CALL_ERRORS, discord.ClientException):
            return None

    async def _post_instead(self, view: View) -> None:
        if view.is_private:
            raise UndeliverableError("it is private, and the interaction is lost")
        await self._platform.post(self._place, view, f"answer to {self._interaction.id}")

    async def _stand_for(self, draft: Draft, *, is_private: bool) -> _Stand:
        """Take the first answer, or use it up to ask for time where files may take longer to send."""
        stand = await self._stand()
        if stand is _Stand.OPEN and draft.uploads.size > HEAVY_BYTES:
            return await self._defer(is_private=is_private, is_shown=True)
        return stand

    async def _stand(self) -> _Stand:
        if self._deferral is not None:
            return await asyncio.shield(self._deferral)
        if self._taken.is_set():
            return _Stand.LOST
        self._taken.set()
        return _Stand.OPEN

    async def _defer(self, *, is_private: bool, is_shown: bool) -> _Stand:
        self._taken.set()
        self._is_private = is_private
        self._deferral = asyncio.get_running_loop().create_future()
        stand = _Stand.THINKING if is_shown else _Stand.DEFERRED
        try:
            async with asyncio.timeout(FIRST_ANSWER_S):
                await self._interaction.response.defer(ephemeral=is_private, thinking=is_shown)
        except CALL_ERRORS as error:
            self._complain("deferral failed", error)
            if isinstance(error, discord.HTTPException) and error.code == UNKNOWN_INTERACTION:
                stand = _Stand.LOST
        finally:
            self._deferral.set_result(stand)
        return stand

    def _complain(self, event: str, error: Exception) -> None:
        log.warning(event, interaction=self._interaction.id, reason=f"{type(error).__name__}: {error}")
