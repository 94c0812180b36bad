"""Do messages, edits, files and presses on the Telegram stand-in go as on Telegram, by the real library?"""

from __future__ import annotations

import io

import pytest
import telegram as library
from PIL import Image
from telegram import ForceReply, ReplyParameters
from telegram import InputMediaDocument as DocumentOf
from telegram import InputMediaPhoto as PhotoOf
from telegram.error import BadRequest, InvalidToken

from tests.standins.person import NotOfferedError
from tests.standins.small_telegram_bot import PROMPT, connected, keyboard, png, pressed
from tests.standins.telegram import TelegramPerson, TelegramServer

HOUR_S = 3600


@pytest.fixture
def ann(telegram: TelegramServer) -> TelegramPerson:
    return telegram.person("Ann")


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    return image


async def test_the_bot_learns_who_it_is(telegram_bot: library.Bot) -> None:
    me = await telegram_bot.get_me()

    assert me.is_bot
    assert me.username == "fairbrush_bot"
    assert me.can_read_all_group_messages is False


@pytest.mark.parametrize("wrong", ["7000000001:of-somebody-else", "nonsense"])
async def test_a_wrong_token_is_refused(telegram: TelegramServer, wrong: str) -> None:
    with pytest.raises(InvalidToken):
        async with connected(telegram, wrong):
            pass


async def test_a_token_can_be_revoked_in_the_middle(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    await telegram_bot.get_me()
    telegram.revoke_token()

    with pytest.raises(InvalidToken):
        await telegram_bot.get_me()


async def test_a_message_is_seen_with_its_buttons(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    await telegram_bot.send_message(ann.id, "job 1", reply_markup=keyboard("cancel:1", "info:1"))

    (seen,) = ann.messages()
    assert (seen.text, dict(seen.buttons)) == ("job 1", {"cancel:1": "CANCEL:1", "info:1": "INFO:1"})


async def test_an_edit_changes_the_message_in_its_place(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    first = await telegram_bot.send_message(ann.id, "queued")
    await telegram_bot.send_message(ann.id, "another")

    edited = await telegram_bot.edit_message_text("running", ann.id, first.message_id)

    assert isinstance(edited, library.Message)
    assert edited.edit_date is not None
    assert [(seen.text, seen.edits) for seen in ann.messages()] == [("running", 1), ("another", 0)]


async def test_an_edit_without_a_keyboard_drops_the_keyboard(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_message(ann.id, "queued", reply_markup=keyboard("cancel"))

    await message.edit_text("running")

    assert not ann.messages()[0].buttons


async def test_buttons_alone_can_be_edited(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_message(ann.id, "queued", reply_markup=keyboard("cancel"))

    await message.edit_reply_markup(keyboard("again"))

    assert (ann.messages()[0].text, list(ann.messages()[0].buttons)) == ("queued", ["again"])


async def test_the_same_edit_twice_is_refused(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_message(ann.id, "queued")
    await message.edit_text("running", reply_markup=keyboard("cancel"))

    with pytest.raises(BadRequest, match=r"^Message is not modified: specified new message content and reply markup"):
        await message.edit_text("running", reply_markup=keyboard("cancel"))


async def test_a_text_becomes_a_picture_and_never_a_text_again(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_message(ann.id, "queued")
    with pytest.raises(BadRequest, match="There is no caption in the message to edit"):
        await message.edit_caption("done")

    await message.edit_media(PhotoOf(png(), caption="done", has_spoiler=True), reply_markup=keyboard("again"))

    (seen,) = ann.messages()
    assert (seen.text, len(seen.pictures), seen.is_spoiler, list(seen.buttons)) == ("done", 1, True, ["again"])
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await message.edit_text("queued")
    await message.edit_caption("failed")
    assert ann.messages()[0].text == "failed"


async def test_what_is_not_there_cannot_be_edited(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_message(ann.id, "queued")
    await message.delete()

    with pytest.raises(BadRequest, match="Message to edit not found"):
        await message.edit_text("running")
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await message.delete()
    assert not ann.messages()


async def test_what_others_typed_and_what_asks_for_a_reply_cannot_be_edited(
    telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    await ann.type("/start")
    (update,) = await telegram_bot.get_updates(timeout=5)
    prompt = await telegram_bot.send_message(ann.id, "What instead?", reply_markup=ForceReply())

    assert update.message is not None
    for message_id in (update.message.message_id, prompt.message_id):
        with pytest.raises(BadRequest, match="Message can't be edited"):
            await telegram_bot.edit_message_text("other", ann.id, message_id)


async def test_a_message_can_be_deleted_for_two_days(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    message = await telegram_bot.send_message(ann.id, "done")
    telegram.clock.advance(48 * HOUR_S + 1)

    with pytest.raises(BadRequest, match="Message can't be deleted for everyone"):
        await message.delete()
    await message.edit_text("deleted")


async def test_a_photo_is_compressed_and_loses_its_metadata(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    message = await telegram_bot.send_photo(ann.id, png(2560, 1000), caption="done")

    picture = opened(ann.messages()[0].pictures[0])
    assert (picture.format, picture.size) == ("JPEG", (1280, 500))
    assert PROMPT.encode() not in ann.messages()[0].pictures[0]
    assert [size.width for size in message.photo] == [90, 320, 800, 1280]


async def test_a_document_keeps_every_byte(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    original = png()

    message = await telegram_bot.send_document(
        ann.id, original, filename="fairbrush-7.png", disable_content_type_detection=True
    )

    (seen,) = ann.messages()
    assert (seen.files, seen.pictures) == (("fairbrush-7.png",), (original,))
    assert opened(seen.pictures[0]).info["parameters"] == PROMPT
    assert message.document is not None
    assert bytes(await (await message.document.get_file()).download_as_bytearray()) == original


async def test_files_can_be_sent_again_by_their_ids(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    photo = (await telegram_bot.send_photo(ann.id, png())).photo[-1]

    message = await telegram_bot.send_photo(ann.id, photo.file_id)

    assert message.photo[-1].file_id == photo.file_id
    with pytest.raises(BadRequest, match=r"(?i)can't use file of type Photo as Document"):
        await telegram_bot.send_document(ann.id, photo.file_id)
    with pytest.raises(BadRequest, match="Wrong file identifier"):
        await telegram_bot.send_photo(ann.id, "made-up")


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (b"no picture at all", "Image_process_failed"),
        (png(9000, 1001), "Photo_invalid_dimensions"),
        (png(2100, 100), "Photo_invalid_dimensions"),
        (b"\x89PNG" + bytes(10 * 1024 * 1024), "is too big for a photo"),
    ],
)
async def test_not_everything_is_a_photo(
    telegram_bot: library.Bot, ann: TelegramPerson, picture: bytes, words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        await telegram_bot.send_photo(ann.id, picture)


async def test_a_document_has_its_limit_up_and_down(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    large = await telegram_bot.send_document(ann.id, bytes(20 * 1024 * 1024 + 1), filename="large.bin")

    assert large.document is not None
    with pytest.raises(BadRequest, match="File is too big"):
        await large.document.get_file()
    with pytest.raises(library.error.NetworkError, match="Request Entity Too Large"):
        await telegram_bot.send_document(ann.id, bytes(50 * 1024 * 1024 + 1), filename="larger.bin")


async def test_an_album_is_as_many_messages(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    messages = await telegram_bot.send_media_group(
        ann.id, [PhotoOf(png(), caption="both"), PhotoOf(png(colour="blue"), has_spoiler=True)]
    )

    assert len({message.media_group_id for message in messages}) == 1
    assert [(seen.text, len(seen.pictures), seen.is_spoiler) for seen in ann.messages()] == [
        ("both", 1, False),
        ("", 1, True),
    ]
    with pytest.raises(BadRequest, match="media of the specified type in the album"):
        await messages[0].edit_media(DocumentOf(png(), filename="one.png"))


async def test_a_press_reaches_the_bot_and_its_answer_the_person_alone(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    group = telegram.group("Painters")
    ann, bob = telegram.person("Ann", group), telegram.person("Bob", group)

    query = await pressed(telegram_bot, ann, "cancel:7")
    await query.answer("Only the owner may cancel this.")

    assert (query.data, query.from_user.id, bool(query.chat_instance)) == ("cancel:7", ann.id, True)
    toast = await ann.until(lambda seen: seen.text == "Only the owner may cancel this.")
    assert toast.is_private
    assert all(seen.text != toast.text for seen in bob.messages())


async def test_a_press_must_be_answered_soon(
    telegram: TelegramServer, telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    query = await pressed(telegram_bot, ann)
    telegram.clock.advance(16)

    with pytest.raises(BadRequest, match="Query is too old and response timeout expired or query id is invalid"):
        await query.answer()


async def test_only_buttons_that_are_there_can_be_pressed_but_anything_can_be_forged(
    telegram_bot: library.Bot, ann: TelegramPerson
) -> None:
    message = await telegram_bot.send_message(ann.id, "queued", reply_markup=keyboard("cancel"))
    (seen,) = ann.messages()
    await message.edit_text("done")

    with pytest.raises(NotOfferedError, match="no button 'cancel' to press"):
        await ann.press(seen, "cancel")
    await ann.forge(seen, "delete:1", is_accessible=False)

    query = (await telegram_bot.get_updates(timeout=5))[-1].callback_query
    assert query is not None
    assert query.data == "delete:1"
    assert query.message is not None
    assert not query.message.is_accessible


async def test_a_prompt_is_answered_with_a_reply(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    await pressed(telegram_bot, ann, "edit:1")
    prompt = await telegram_bot.send_message(ann.id, "What instead?", reply_markup=ForceReply(selective=True))
    await ann.fill("a dog")

    message = (await telegram_bot.get_updates(offset=ann.last_update, timeout=5))[-1].message
    assert message is not None
    assert message.text == "a dog"
    assert message.reply_to_message is not None
    assert message.reply_to_message.message_id == prompt.message_id


async def test_replies_show_what_they_answer_if_it_is_there(telegram_bot: library.Bot, ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")

    message = await telegram_bot.send_message(ann.id, "queued", reply_parameters=ReplyParameters(1))

    assert message.reply_to_message is not None
    assert message.reply_to_message.text == "/imagine a cat"
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await telegram_bot.send_message(ann.id, "queued", reply_parameters=ReplyParameters(99))
    gone = ReplyParameters(99, allow_sending_without_reply=True)
    assert (await telegram_bot.send_message(ann.id, "queued", reply_parameters=gone)).reply_to_message is None
