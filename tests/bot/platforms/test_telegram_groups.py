"""Who is heard in a group on Telegram, where do answers go, and what if the group changes?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.chat import Place, View
from bot.platforms.telegram.reading import FACELESS
from tests.bot.platforms.telegram_room import BOSS, TelegramRoom, has, is_done, room_of
from tests.standins.small_telegram_bot import png
from tests.standins.telegram import Chat, TelegramPerson, TelegramServer
from tests.standins.telegram.formatting import formatted

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(patience_s=20, has_privacy=False) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def room(server: TelegramServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TelegramRoom]:
    async with room_of(server, tmp_path_factory.mktemp("room")) as room:
        yield room


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def boss(server: TelegramServer) -> TelegramPerson:
    return server.person("Boss", id=BOSS)


@pytest.fixture
def group(room: TelegramRoom) -> Chat:
    return room.server.supergroup("Painters")


@pytest.fixture
def ann(server: TelegramServer, group: Chat) -> TelegramPerson:
    return server.person("Ann", group)


async def only_answer(person: TelegramPerson) -> str:
    """Ask something, and give what the bot said before, which must be nothing, and to this."""
    await person.type("/queue@fairbrush_bot")
    await person.until(has("Nobody waits"))
    return " | ".join(seen.text for seen in person.messages())


def reply(person: TelegramPerson, other: TelegramPerson, line: str) -> None:
    """Type a reply to what somebody else typed last."""
    person._say(formatted(line).to_json("text", "entities"), reply_to=other._own)


def mention(person: TelegramPerson, line: str, other: TelegramPerson) -> None:
    """Type a line that ends with the mention of somebody who has no username."""
    name = other.account.first_name
    entities = [
        {"type": "bot_command", "offset": 0, "length": len(line.split(maxsplit=1)[0])},
        {"type": "text_mention", "offset": len(line) + 1, "length": len(name), "user": other.account.to_json()},
    ]
    person._say({"text": f"{line} {name}", "entities": entities})


@pytest.mark.parametrize("line", ["/queue", "/queue@fairbrush_bot", "/Queue@FairBrush_Bot", "/queu"])
async def test_a_command_for_this_bot_is_answered_as_a_reply(
    server: TelegramServer, ann: TelegramPerson, line: str
) -> None:
    await ann.type(line)

    seen = await ann.until(has("Nobody waits") if line != "/queu" else has("Did you mean /queue?"))
    assert server.message(seen.id).body["reply_to_message"]["text"] == line


@pytest.mark.parametrize(
    "line", ["/queue@other_bot", "/ban", "/weather tomorrow", "a cat", "look at /imagine", "@fairbrush_bot a cat", "/"]
)
async def test_what_is_not_for_this_bot_is_left_alone(ann: TelegramPerson, line: str) -> None:
    await ann.type(line)

    assert await only_answer(ann) == "Nobody waits and nothing runs."


async def test_pictures_in_a_group_are_left_alone(ann: TelegramPerson) -> None:
    await ann.send_photo(png())

    assert await only_answer(ann) == "Nobody waits and nothing runs."


async def test_an_anonymous_admin_is_asked_to_show_their_face(ann: TelegramPerson) -> None:
    await ann.type_anonymously("/admin pause")

    assert (await ann.until(has("your own name"))).text == FACELESS


async def test_a_channel_is_asked_to_show_its_face(ann: TelegramPerson) -> None:
    await ann.type_as_channel("/imagine a cat")

    assert (await ann.until(has("your own name"))).text == FACELESS


@pytest.mark.parametrize("line", ["hello", "/queue@other_bot"])
async def test_what_channels_say_otherwise_is_left_alone(ann: TelegramPerson, line: str) -> None:
    await ann.type_as_channel(line)

    assert await only_answer(ann) == "Nobody waits and nothing runs."


async def test_a_forwarded_command_is_nobodys(ann: TelegramPerson, boss: TelegramPerson) -> None:
    await ann.forward("/admin pause", by=boss)

    assert await only_answer(ann) == "Nobody waits and nothing runs."


async def test_an_admin_may_and_others_may_not(ann: TelegramPerson, boss: TelegramPerson, group: Chat) -> None:
    await ann.type("/admin status")
    refused = await ann.until(has("admin"))
    await boss.at(group).type("/admin status")

    await boss.until(has("Card:"))
    assert refused.text == "/admin status is for admins only."


async def test_a_menus_spelling_of_a_command_works(boss: TelegramPerson, group: Chat) -> None:
    await boss.at(group).type("/admin_status@fairbrush_bot")

    await boss.until(has("Card:"))


async def test_a_member_is_blocked_by_a_reply(ann: TelegramPerson, boss: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    await ann.until(is_done)

    reply(boss.at(ann.place), ann, "/admin block")

    await boss.until(has(f"telegram:{ann.id} is blocked"))
    await ann.type("/queue")
    await ann.until(has("blocked you"))


async def test_a_member_without_a_username_is_blocked_by_a_mention(ann: TelegramPerson, boss: TelegramPerson) -> None:
    mention(boss.at(ann.place), "/admin block", ann)

    await boss.until(has(f"telegram:{ann.id} is blocked"))


async def test_a_members_limits_and_weight_are_set_by_a_reply(ann: TelegramPerson, boss: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    await ann.until(is_done)

    for line in ("/admin quota 5", "/admin quota --steps 9", "/admin weight 2"):
        reply(boss.at(ann.place), ann, line)

    await boss.until(has(f"Limits for telegram:{ann.id}: 5 pictures a day; at most 9 steps."))
    await boss.until(has(f"telegram:{ann.id} gets 2 times the usual share"))


async def test_the_founder_of_a_topic_is_not_taken_for_who_is_meant(
    server: TelegramServer, boss: TelegramPerson
) -> None:
    topic = server.topic(server.supergroup("Forum", is_forum=True), "Cats")

    await boss.at(topic).type("/admin block")

    await boss.until(has("/admin block needs MEMBER"))


async def test_all_that_belongs_to_a_topic_stays_in_it(server: TelegramServer, ann: TelegramPerson) -> None:
    forum = server.supergroup("Forum", is_forum=True)
    topic = server.topic(forum, "Cats")
    ann = ann.at(topic)
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    for action, words in (("original", "seed"), ("info", "Job"), ("edit", "[edit:"), ("again", "queued")):
        await ann.press(done, next(payload for payload in done.buttons if payload.startswith(action)))
        await ann.until(lambda seen, words=words: words in seen.text and seen.id != done.id)  # type: ignore[misc]

    threads = {server.message(seen.id).thread for seen in ann.messages() if not seen.id.startswith("toast")}
    assert threads == {topic.id}


async def test_a_thread_of_replies_is_no_topic(room: TelegramRoom, ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.reply(done, "/imagine a dog")

    other = await ann.until(lambda seen: is_done(seen) and "a dog" in seen.text)
    job = await room.app.desk.jobs.get(int(other.text.split()[1]))
    assert job is not None
    assert job.place == {"platform": "telegram", "channel": str(ann.place_id)}


async def test_a_form_is_for_whoever_pressed(server: TelegramServer, ann: TelegramPerson) -> None:
    await ann.type("/imagine a cat")
    done = await ann.until(is_done)

    await ann.press(done, next(payload for payload in done.buttons if payload.startswith("edit")))

    form = await ann.until(has("Ann, reply"))
    kinds = {entity["type"]: entity for entity in server.message(form.id).body["entities"]}
    assert kinds["text_mention"]["user"]["id"] == ann.id
    assert "pre" in kinds
    await ann.fill("a dog")
    await ann.until(lambda seen: is_done(seen) and "a dog" in seen.text)


async def test_admins_are_offered_more_commands_in_their_own_chat_alone(
    server: TelegramServer, boss: TelegramPerson, ann: TelegramPerson, group: Chat
) -> None:
    await boss.in_private().type("/start")
    await boss.until(has("/admin pause"))
    await boss.in_private().type("/queue")
    await boss.until(has("Nobody waits"))

    offered = server.commands_seen_by(boss, boss.private_chat())
    assert {"imagine", "admin_pause"} <= set(offered)
    for person, chat in ((boss, group), (ann, group), (ann, ann.private_chat())):
        seen = server.commands_seen_by(person, chat)
        assert "imagine" in seen
        assert not [name for name in seen if name.startswith("admin")]


async def test_a_job_moves_with_its_group(server: TelegramServer, room: TelegramRoom, boss: TelegramPerson) -> None:
    group = server.group("Growing")
    ann = server.person("Ann", group)
    await boss.at(group).type("/admin model flatter")
    await boss.until(has("The default model here is now flatter"))
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(has("step 1"))

    grown = server.migrate(group)
    room.release()

    done = await ann.until(is_done)
    assert done.id.startswith(f"{grown.id}/")
    await ann.type("/imagine a dog")
    assert "flatter" in (await ann.until(lambda seen: is_done(seen) and "a dog" in seen.text)).text


async def test_a_group_that_moved_unnoticed_is_followed(server: TelegramServer, room: TelegramRoom) -> None:
    group = server.group("Growing")
    ann = server.person("Ann", group)
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(has("step 1"))
    server.set_webhook("https://elsewhere.example/")  # what comes now is told to somebody else

    grown = server.migrate(group)
    server.cloud.updates.forget()
    server.set_webhook("")
    room.release()

    done = await ann.until(is_done)
    assert done.id.startswith(f"{grown.id}/")


async def test_what_is_sent_to_the_old_number_of_a_group_arrives(server: TelegramServer, room: TelegramRoom) -> None:
    group = server.group("Growing")
    ann = server.person("Ann", group)
    await ann.type("/queue")
    await ann.until(has("Nobody waits"))
    server.set_webhook("https://elsewhere.example/")
    grown = server.migrate(group)
    server.cloud.updates.forget()
    server.set_webhook("")

    message_id = await room.platform.post(
        Place(platform="telegram", channel=str(group.id)), View(text="Job 1 done."), "post 1"
    )

    seen = await ann.until(has("Job 1 done."))
    assert seen.id == message_id.replace(":", "/")
    assert seen.id.startswith(f"{grown.id}/")


async def test_a_bot_that_was_thrown_out_of_a_group_goes_on_elsewhere(
    server: TelegramServer, room: TelegramRoom, ann: TelegramPerson, group: Chat
) -> None:
    bob = server.person("Bob")
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(has("step 1"))

    server.change_bot(group, "kicked", ann)
    room.release()

    await bob.type("/imagine a dog")
    await bob.until(is_done)
