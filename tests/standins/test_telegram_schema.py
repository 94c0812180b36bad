"""Does the Telegram stand-in find what goes against the published schema, and refuse what Telegram would?"""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import pytest
import telegram as library
from telegram import BotCommand, ForceReply, InputMediaPhoto
from telegram.error import BadRequest, NetworkError, TelegramError

from tests.standins.small_telegram_bot import connected, keyboard, png
from tests.standins.specs import TELEGRAM_SPEC
from tests.standins.telegram import TelegramPerson, TelegramServer

needs_schema = pytest.mark.skipif(
    not TELEGRAM_SPEC.exists(), reason=f"{TELEGRAM_SPEC.name} is not here to compare with"
)


@pytest.fixture
def ann(telegram: TelegramServer) -> TelegramPerson:
    return telegram.person("Ann")


PHOTO = InputMediaPhoto("x")
WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown field": ("sendMessage", {"text": "x", "txt": "y"}, "txt: unknown field"),
    "a missing field": ("sendMessage", {}, "text: missing"),
    "a mistyped field": ("sendMessage", {"text": "x", "protect_content": "maybe"}, "'maybe' is not Boolean"),
    "a mistyped number": ("deleteMessage", {"message_id": "first"}, "'first' is not Integer"),
    "a wrong field inside": (
        "sendMessage",
        {"text": "x", "reply_parameters": {"message_id": "1"}},
        "reply_parameters.message_id: '1' is not Integer",
    ),
    "an unknown field inside": (
        "sendMessage",
        {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "callback": "x"}]]}},
        "inline_keyboard[0][0].callback: unknown field",
    ),
    "a button without a deed": (
        "sendMessage",
        {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x"}]]}},
        "a button does exactly one thing",
    ),
    "a long payload": (
        "sendMessage",
        {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "é" * 33}]]}},
        "callback_data: 66 bytes, allowed are 1 to 64",
    ),
    "an empty text": ("sendMessage", {"text": ""}, "text: 0 characters, allowed are 1 to 4096"),
    "a long text": ("sendMessage", {"text": "x" * 4097}, "text: 4097 characters"),
    "a long text after markup": ("sendMessage", {"text": f"<b>{'x' * 4097}</b>", "parse_mode": "HTML"}, "4097"),
    "a long answer": ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "201 characters"),
    "an album of one": ("sendMediaGroup", {"media": [PHOTO]}, "media: 1 items"),
    "an album of eleven": ("sendMediaGroup", {"media": [PHOTO] * 11}, "media: 11 items"),
    "an album with buttons": (
        "sendMediaGroup",
        {"media": [PHOTO] * 2, "reply_markup": {"inline_keyboard": []}},
        "reply_markup: unknown field",
    ),
    "a long caption inside": (
        "editMessageMedia",
        {"message_id": 1, "media": {"type": "photo", "media": "x", "caption": "x" * 1025}},
        "media.caption: 1025 characters, allowed are 0 to 1024",
    ),
    "a file that was not sent along": (
        "editMessageMedia",
        {"message_id": 1, "media": {"type": "photo", "media": "attach://picture"}},
        "attach://picture: no such part in the body",
    ),
    "a long command": ("setMyCommands", {"commands": [{"command": "x" * 33, "description": "x"}]}, "33 characters"),
    "a shouted command": ("setMyCommands", {"commands": [{"command": "Go", "description": "x"}]}, "'Go' is no command"),
    "too many commands": (
        "setMyCommands",
        {"commands": [{"command": "x", "description": "x"}] * 101},
        "101 of at most",
    ),
    "an unknown scope": ("setMyCommands", {"commands": [], "scope": {"type": "all"}}, "'all' is not default"),
    "updates that there are none of": ("getUpdates", {"allowed_updates": ["mesage"]}, "there are no updates mesage"),
    "too many updates": ("getUpdates", {"limit": 101}, "101, allowed are 1 to 100"),
    "an unknown style": (
        "sendMessage",
        {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "x", "style": "red"}]]}},
        "'red' is none of those that there are",
    ),
    "an unknown method": ("sendMesage", {"text": "x"}, "there is no method sendMesage"),
}


@needs_schema
@pytest.mark.filterwarnings("ignore:Please use:telegram.warnings.PTBUserWarning")
@pytest.mark.parametrize(("method", "fields", "complaint"), WRONG.values(), ids=WRONG)
async def test_a_call_against_the_schema_is_found(
    telegram: TelegramServer,
    telegram_bot: library.Bot,
    ann: TelegramPerson,
    method: str,
    fields: dict[str, Any],
    complaint: str,
) -> None:
    about = (
        fields if method in {"answerCallbackQuery", "setMyCommands", "getUpdates"} else {"chat_id": ann.id, **fields}
    )
    with contextlib.suppress(TelegramError):  # most of these Telegram would refuse as well
        await telegram_bot.do_api_request(method, api_kwargs=about)

    assert any(complaint in str(one) for one in telegram.violations), telegram.violations
    telegram.waive("")


@needs_schema
async def test_a_part_of_the_body_that_nothing_refers_to_is_found(
    telegram: TelegramServer, ann: TelegramPerson
) -> None:
    async with httpx.AsyncClient() as client:
        url = f"{telegram.base_url}/bot{telegram.token}/sendPhoto"
        files = {"photo": ("a.png", png()), "another": ("b.png", png())}
        response = await client.post(url, data={"chat_id": str(ann.id)}, files=files)

    assert response.json()["ok"]
    assert [str(one) for one in telegram.violations] == ["sendPhoto: another: nothing refers to this part"]
    telegram.waive("another: nothing refers")


@needs_schema
async def test_a_violation_that_nobody_waived_fails_the_test() -> None:
    with pytest.raises(AssertionError, match=r"sendMessage: txt: unknown field"):
        async with TelegramServer() as server, connected(server) as bot:
            await bot.send_message(server.person("Ann").id, "x", api_kwargs={"txt": "y"})


@needs_schema
async def test_the_stand_ins_own_words_are_compared_too(telegram: TelegramServer) -> None:
    telegram.inspection.check_answer("sendMessage", {"message_id": "1", "date": 0, "chat": {"id": 1, "type": "room"}})

    assert {str(one) for one in telegram.violations} == {
        "sendMessage answer: result.message_id: '1' is not Integer",
        "sendMessage answer: result.chat.type: 'room' is none of those that there are",
    }
    telegram.waive("sendMessage answer")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"text": "x" * 4097}, "Message is too long"),
        ({"text": "  "}, "Message text is empty"),
        ({"text": "x", "reply_markup": keyboard("x" * 65)}, "Button_data_invalid"),
    ],
)
async def test_what_is_too_long_is_refused(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson, about: dict[str, Any], words: str
) -> None:
    telegram.waive("allowed are")

    with pytest.raises(BadRequest, match=words):
        await telegram_bot.send_message(ann.id, **about)


async def test_a_long_caption_is_refused(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    telegram.waive("caption: 1025 characters")

    with pytest.raises(BadRequest, match="Message caption is too long"):
        await telegram_bot.send_photo(ann.id, png(), "x" * 1025)


async def test_a_command_must_have_a_name_that_can_be_typed(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    telegram.waive("is no command")

    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await telegram_bot.set_my_commands([BotCommand("Imagine", "Makes a picture")])


async def test_only_buttons_can_be_edited_beneath_a_message(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    message = await telegram_bot.send_message(ann.id, "queued")
    telegram.waive("reply_markup")

    with pytest.raises(BadRequest, match="Inline keyboard expected"):
        await message.edit_text("done", api_kwargs={"reply_markup": ForceReply()})


async def test_a_call_that_the_stand_in_cannot_cope_with_fails_the_test(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    with pytest.raises(NetworkError):
        await telegram_bot.send_message(ann.id, "x", api_kwargs={"reply_markup": {"inline_keyboard": 7}})

    assert any("the stand-in broke" in str(one) for one in telegram.violations)
    telegram.waive("")
