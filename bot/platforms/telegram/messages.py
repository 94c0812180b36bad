"""How does a view become a message of Telegram's, and the message become the next view?

A text can become a picture, but a picture never a text again: from then on the words stand in its caption. And a send
cannot be repeated where nobody knows whether it arrived, but an edit can. So `post` sends words only, and whatever
picture belongs to them comes by an edit.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from telegram import InputMediaDocument, LinkPreviewOptions, Message, ReplyParameters
from telegram.constants import ChatAction

from bot.chat import MessageGoneError, NotNowError, Place, UndeliverableError, View
from bot.platforms.telegram.budget import Urgency
from bot.platforms.telegram.calls import Calls
from bot.platforms.telegram.content import BLANK, Media, as_input, file_name, keyboard, media_of
from bot.platforms.telegram.errors import DELETED, UNDELETABLE, NoPicturesError, UnsureError, WithoutTextError
from bot.platforms.telegram.memory import Address, Memory
from bot.platforms.telegram.text import MOST_CAPTION, MOST_TEXT, shown

# What a message is known to show, where it is not the mark of a picture.
TEXT = "text"
REFUSED = "refused"  # a text, since the chat takes no pictures
PICTURE = "picture"  # some picture, of before a restart
FIRST_DOUBT_S = 5.0
LONGEST_DOUBT_S = 600.0
UNREADABLE = "The picture's file cannot be read; an admin finds the reason in the log."
EMPTIED = View(text="Deleted.")
PLAIN = LinkPreviewOptions(is_disabled=True)


class Messages:
    """Posts, edits and removes over one connection."""

    def __init__(self, calls: Calls, memory: Memory) -> None:
        self._calls = calls
        self._bot = calls.bot
        self._memory = memory

    async def post(self, place: Place, view: View, key: str, *, urgency: Urgency, reply_to: int | None = None) -> str:
        """Send a message in two repeatable steps; the same key again finishes what was begun."""
        message_id = self._memory.posted.get(key)
        if message_id is None:
            words = replace(view, pictures=(), progress=None)
            try:
                message_id = (await self._send(place, words, urgency, reply_to)).id
            except UnsureError as error:
                raise self._doubtful(key, error) from None
            self._memory.posted.put(key, message_id)
            if not view.pictures:
                return message_id
        try:
            await self.edit(message_id, view)
        except MessageGoneError as error:
            self._memory.posted.drop(key)
            raise NotNowError(str(error), after_s=FIRST_DOUBT_S) from None
        return message_id

    async def say(self, place: Place, view: View, *, reply_to: int | None = None) -> None:
        """Send a message once, and the files that belong to it."""
        is_album = view.as_files and len(view.pictures) > 1
        first = replace(view, pictures=()) if is_album else view
        try:
            at = await self._send(place, first, Urgency.ACKNOWLEDGEMENT, reply_to)
            if is_album:
                await self._send_files(place, at.chat, view)
        except NoPicturesError as error:
            excuse = View(text=str(error)) if is_album else _excused(view, str(error))
            await self._send(place, excuse, Urgency.ACKNOWLEDGEMENT, reply_to)

    async def edit(self, message_id: str, view: View) -> None:
        """Show a view in place of what the message shows; to do it twice does no harm."""
        at = Address.from_id(message_id)
        if self._calls.moves.is_old(at.chat):
            raise MessageGoneError("the group became a supergroup")
        media = media_of(view)
        if view.is_final:
            ready = None if media is None else await media.composed()  # first, so that the call comes in its turn
            await self._calls.budget.wait(at.chat, Urgency.FINAL)
        else:
            self._calls.budget.progress(at.chat, at.number, is_under_way=view.progress is not None)
            ready = None if media is None else await media.composed()
        await self._change(at, view, media, ready)
        if view.is_final:
            self._memory.shown.drop(message_id)
        elif view.progress is not None and self._memory.shown.get(message_id) == TEXT:
            await self._announce_picture(at.chat)

    async def remove(self, message_id: str) -> None:
        """Delete a message; one that is too old for that is emptied."""
        at = Address.from_id(message_id)
        if self._calls.moves.is_old(at.chat):
            return
        await self._calls.budget.wait(at.chat, Urgency.FINAL)
        try:
            await self._calls.make(at.chat, self._bot.delete_message(at.chat, at.number), harmless=DELETED)
        except UndeliverableError as error:
            if UNDELETABLE not in str(error).casefold():
                raise
            self._calls.budget.count(at.chat)
            with contextlib.suppress(MessageGoneError):
                await self._change(at, EMPTIED, None, None)
        except MessageGoneError:
            return  # with the group that it was in

    async def _send(self, place: Place, view: View, urgency: Urgency, reply_to: int | None) -> Address:
        chat = self._calls.moves.now(int(place.channel))
        media = media_of(view)
        data = None if media is None else await media.composed()
        await self._calls.budget.wait(chat, urgency)
        try:
            with self._calls.posts.one():
                sending = self._sending(chat, place, view, media, data, reply_to)
                sent = await self._calls.make(chat, sending, harmless=())
        except MessageGoneError as error:  # the chat is gone, that is
            if not self._calls.moves.is_old(chat):
                raise UndeliverableError(str(error)) from None
            return await self._send(place, view, urgency, None)
        assert sent is not None  # no refusal of a send is harmless
        at = Address(chat, sent.message_id)
        if not view.is_final:
            self._memory.shown.put(at.id, TEXT)
        return at

    async def _sending(
        self, chat: int, place: Place, view: View, media: Media | None, data: bytes | None, reply_to: int | None
    ) -> Message:
        thread = int(place.thread) if place.thread else None
        reply = None if reply_to is None else ReplyParameters(reply_to, allow_sending_without_reply=True)
        buttons = keyboard(view.buttons)
        if media is None or data is None:
            return await self._bot.send_message(
                chat,
                shown(view.text, MOST_TEXT),
                reply_markup=buttons,
                message_thread_id=thread,
                reply_parameters=reply,
                link_preview_options=PLAIN,
            )
        caption = shown(view.text, MOST_CAPTION)
        if media.is_file:
            return await self._bot.send_document(
                chat,
                data,
                caption,
                filename=media.name,
                reply_markup=buttons,
                message_thread_id=thread,
                reply_parameters=reply,
                disable_content_type_detection=True,
            )
        return await self._bot.send_photo(
            chat,
            data,
            caption,
            filename=media.name,
            reply_markup=buttons,
            message_thread_id=thread,
            reply_parameters=reply,
            has_spoiler=media.is_spoiler,
        )

    async def _send_files(self, place: Place, chat: int, view: View) -> None:
        """Send originals byte for byte as one album, which counts as so many messages."""
        files = [
            InputMediaDocument(
                await asyncio.to_thread(path.read_bytes), filename=file_name(path), disable_content_type_detection=True
            )
            for path in view.pictures
        ]
        for _ in files:
            await self._calls.budget.wait(chat, Urgency.ACKNOWLEDGEMENT)
        thread = int(place.thread) if place.thread else None
        await self._calls.make(chat, self._bot.send_media_group(chat, files, message_thread_id=thread), harmless=())

    async def _change(self, at: Address, view: View, media: Media | None, data: bytes | None) -> None:
        """Edit whatever the message is by now: a text, or a picture with a caption."""
        before = self._memory.shown.get(at.id)
        if media is not None and media.mark == before:
            return await self._caption(at, view)
        if media is not None and (view.is_final or before != REFUSED):
            obstacle = UNREADABLE if data is None else await self._show_media(at, view, media, data)
            if not obstacle:
                return None
            view, before = _excused(view, obstacle) if view.is_final else view, REFUSED
        if before in (None, TEXT, REFUSED):
            try:
                return await self._text(at, view)
            except WithoutTextError:
                self._memory.shown.put(at.id, PICTURE)
                self._calls.budget.count(at.chat)  # for the call that follows
        if view.is_final and not await self._show_media(at, view, BLANK, BLANK.compose()):
            return None  # a picture that the view does not have must not stay
        return await self._caption(at, view)

    async def _show_media(self, at: Address, view: View, media: Media, data: bytes) -> str:
        """Make the message a picture or a file; gives what is in the way of that, if anything."""
        new = as_input(media, data, shown(view.text, MOST_CAPTION))
        buttons = keyboard(view.buttons)
        try:
            await self._calls.make(at.chat, self._bot.edit_message_media(new, at.chat, at.number, reply_markup=buttons))
        except NoPicturesError as error:
            self._calls.budget.count(at.chat)
            self._memory.shown.put(at.id, REFUSED)
            return str(error)
        self._memory.shown.put(at.id, media.mark)
        return ""

    async def _text(self, at: Address, view: View) -> None:
        edit = self._bot.edit_message_text(
            shown(view.text, MOST_TEXT),
            at.chat,
            at.number,
            reply_markup=keyboard(view.buttons),
            link_preview_options=PLAIN,
        )
        await self._calls.make(at.chat, edit)
        if self._memory.shown.get(at.id) is None:
            self._memory.shown.put(at.id, TEXT)

    async def _caption(self, at: Address, view: View) -> None:
        edit = self._bot.edit_message_caption(
            at.chat, at.number, caption=shown(view.text, MOST_CAPTION), reply_markup=keyboard(view.buttons)
        )
        await self._calls.make(at.chat, edit)

    async def _announce_picture(self, chat: int) -> None:
        """Say "sending a photo" beneath a private chat's title, if the budget has room for that."""
        if chat < 0:
            return
        try:
            self._calls.budget.progress(chat, 0)
            await self._calls.make(chat, self._bot.send_chat_action(chat, ChatAction.UPLOAD_PHOTO))
        except (NotNowError, UndeliverableError, MessageGoneError):
            return  # an ornament

    def _doubtful(self, key: str, error: UnsureError) -> NotNowError:
        """Wait longer each time: the message may be there by now, and then the next one is one too many."""
        doubts = self._memory.doubts.get(key) or 0
        self._memory.doubts.put(key, doubts + 1)
        return NotNowError(str(error), after_s=min(FIRST_DOUBT_S * 4**doubts, LONGEST_DOUBT_S))


def _excused(view: View, reason: str) -> View:
    return replace(view, pictures=(), text=f"{view.text}\n{reason}")
