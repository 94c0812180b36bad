"""Can people talk with the whole program in a private chat on Telegram, by the real library over a real socket?"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image

from tests.bot.platforms.telegram_room import TelegramRoom, calls, gone, has, is_done, room_of
from tests.standins.telegram import TelegramPerson, TelegramServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(patience_s=20) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def room(server: TelegramServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TelegramRoom]:
    async with room_of(server, tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest.fixture
def ann(room: TelegramRoom) -> TelegramPerson:
    return room.server.person("Ann")


@pytest.mark.parametrize("line", ["/start", "/start from_a_link", "/help"])
async def test_who_opens_the_bot_is_told_what_it_can_do(ann: TelegramPerson, line: str) -> None:
    await ann.type(line)

    seen = await ann.until(has("/imagine"))
    assert "/admin" not in seen.text


async def test_a_picture_comes_into_the_message_that_acknowledged_it(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat --seed 7 —steps 3")

    seen = await ann.until(is_done)
    assert "a cat\nflat · seed 7 · 3 steps" in seen.text
    assert len(ann.messages()) == 1
    with Image.open(io.BytesIO(seen.pictures[0])) as picture:
        assert picture.format == "JPEG"


async def test_a_bad_flag_gets_its_sentence(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat --steps 0")

    assert "--steps 0" in (await ann.until(has("--steps"))).text


async def test_words_without_a_command_get_a_hint(ann: TelegramPerson) -> None:
    await ann.type("a cat in the snow")

    await ann.until(has("/imagine a cat in the snow"))


async def test_the_original_comes_as_a_file_with_all_its_settings(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat --seed 7")
    done = await ann.until(is_done)

    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("original")))

    original = await ann.until(lambda seen: bool(seen.files))
    with Image.open(io.BytesIO(original.pictures[0])) as picture:
        assert picture.format == "PNG"
        assert "Seed: 7" in picture.info["parameters"]
    assert original.files[0].endswith(".png")


async def test_a_short_private_answer_to_a_press_is_a_toast(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("star")))

    toast = await ann.until(has("favourites"))
    assert toast.id.startswith("toast")


async def test_a_long_private_answer_to_a_press_is_a_message(ann: TelegramPerson) -> None:
    await ann.type(f"/imagine {'long ' * 60}")
    done = await ann.until(is_done)

    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("info")))

    answer = await ann.until(has("model_revision"))
    assert not answer.id.startswith("toast")


async def test_a_prompt_is_edited_in_a_reply(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat --seed 7")
    done = await ann.until(is_done)

    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("edit")))
    form = await ann.until(has("a cat --model flat"))
    await ann.fill("a dog --seed 8")

    await ann.until(lambda seen: is_done(seen) and "a dog\nflat · seed 8" in seen.text)
    assert form.text.startswith("[edit:")


async def test_a_command_in_reply_to_a_form_is_a_command(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)
    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("edit")))
    await ann.until(has("[edit:"))

    await ann.fill("/queue")

    await ann.until(has("Nobody waits"))


async def test_only_the_bots_own_message_is_a_form(ann: TelegramPerson) -> None:
    await ann.type("[edit:1] Edit the prompt")
    await ann.until(has("/imagine [edit:1]"))

    await ann.reply_to_own("a dog")

    await ann.until(has("/imagine a dog"))


@pytest.mark.parametrize("payload", ["nonsense", "vary:1", "vary:999999:0", "unknown:1", "x" * 64])
async def test_a_forged_button_gets_a_sentence(ann: TelegramPerson, payload: str) -> None:
    await ann.type("/help")
    message = await ann.until(has("/imagine"))

    await ann.forge(message, payload)

    toast = await ann.until(lambda seen: seen.id.startswith("toast"))
    assert toast.text.endswith(".")


async def test_a_button_works_under_a_message_that_is_too_old_for_the_bot_to_see(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    payload = next(payload for payload in done.buttons if payload.startswith("original"))
    await ann.forge(done, payload, is_accessible=False)

    await ann.until(lambda seen: bool(seen.files))


async def test_a_strangers_press_changes_nothing(server: TelegramServer, ann: TelegramPerson) -> None:
    group = server.group("Painters")
    bob = server.person("Bob", group)
    ann = ann.at(group)
    await ann.type("/imagine a cat")
    done = await bob.until(is_done)

    await bob.press(done, next(payload for payload in done.buttons if payload.startswith("delete")))

    toast = await bob.until(has("somebody else's"))
    assert toast.id.startswith("toast")
    assert done in ann.messages()


async def test_a_job_is_cancelled_by_its_button_and_shows_no_picture(room: TelegramRoom, ann: TelegramPerson) -> None:
    room.hold()
    await ann.type("/imagine a cat")
    running = await ann.until(lambda seen: "step 1" in seen.text and bool(seen.pictures))

    await ann.press(running, next(payload for payload in running.buttons if payload.startswith("cancel")))
    cancelled = await ann.until(has("cancelled"))

    room.release()
    with Image.open(io.BytesIO(cancelled.pictures[0])) as left, Image.open(io.BytesIO(running.pictures[0])) as preview:
        assert left.size != preview.size
        assert len(left.convert("RGB").getcolors() or []) == 1


async def test_a_deleted_jobs_message_goes_away(server: TelegramServer, ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("delete")))

    await ann.until(has("is deleted"))
    await gone(server, done)


async def test_an_edited_command_is_not_run_again(ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    await ann.until(is_done)

    await ann.edit("/imagine a dog")
    await ann.type("/queue")

    await ann.until(has("Nobody waits"))
    assert len(ann.messages()) == 2


async def test_nothing_in_a_prompt_has_any_effect(server: TelegramServer, ann: TelegramPerson) -> None:
    prompt = (
        "@fairbrush_bot #cat https://evil.example/x www.evil.com t.me/joinchat a@b.com *b* <b>x</b> [a](http://b.c)"
    )
    await ann.type(f"/imagine {prompt}")
    done = await ann.until(is_done)

    shown = server.message(done.id).body
    kinds = {entity["type"] for entity in shown.get("caption_entities", [])}
    assert kinds <= {"bot_command"}
    assert done.text.replace("\u2060", "").splitlines()[1] == prompt


async def test_link_previews_are_off(server: TelegramServer, ann: TelegramPerson) -> None:
    await ann.type("/help")
    await ann.until(has("/imagine"))

    assert all('"is_disabled": true' in sent["link_preview_options"] for sent in calls(server, "sendMessage"))
    assert all("parse_mode" not in sent for sent in calls(server, "sendMessage", "editMessageMedia"))


async def test_a_prompt_that_was_copied_from_the_bot_is_the_same_prompt(ann: TelegramPerson) -> None:
    await ann.type("/imagine a sign: see example.com --seed 1")
    done = await ann.until(is_done)

    await ann.type(f"/imagine {done.text.splitlines()[1]} --seed 1")
    again = await ann.until(lambda seen: is_done(seen) and seen.id != done.id)

    assert again.pictures == done.pictures
