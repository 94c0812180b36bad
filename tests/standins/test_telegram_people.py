"""What does a bot learn of what people do on the Telegram stand-in, and what may it do where?"""

from __future__ import annotations

from typing import Any

import pytest
import telegram as library
from telegram import BotCommand, BotCommandScopeChat, BotCommandScopeDefault, ForceReply
from telegram.constants import ChatMemberStatus, MessageEntityType
from telegram.error import BadRequest, ChatMigrated, Forbidden

from tests.standins.small_telegram_bot import connected, keyboard, message, png, poll, said
from tests.standins.telegram import TelegramServer


async def test_a_command_is_marked_as_one(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    await ann.type("/imagine@fairbrush_bot a cat by @somebody")

    typed = await message(telegram_bot, ann)
    kinds = {typed.parse_entity(entity): entity.type for entity in typed.entities}
    assert kinds == {
        "/imagine@fairbrush_bot": MessageEntityType.BOT_COMMAND,
        "@somebody": MessageEntityType.MENTION,
    }
    assert typed.from_user is not None
    assert (typed.from_user.id, typed.chat.id, typed.chat.type) == (ann.id, ann.id, "private")


async def test_a_photo_comes_in_several_sizes_with_its_caption(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    ann = telegram.person("Ann")
    await ann.send_photo(png(640, 480), "/imagine a cat")

    sent = await message(telegram_bot, ann)
    assert [size.width for size in sent.photo] == [90, 320, 640]
    assert (sent.caption, sent.caption_entities[0].type) == ("/imagine a cat", MessageEntityType.BOT_COMMAND)
    assert (await (await sent.photo[-1].get_file()).download_as_bytearray())[:3] == b"\xff\xd8\xff"


async def test_a_reply_to_a_picture_brings_the_picture_along(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    ann = telegram.person("Ann", telegram.supergroup("Painters"))
    await ann.send_photo(png(640, 480))
    await ann.reply_to_own("/imagine a cat")

    (update,) = await poll(telegram_bot)
    assert update.message is not None
    assert update.message.text == "/imagine a cat"
    assert update.message.reply_to_message is not None
    assert update.message.reply_to_message.photo[-1].width == 640


async def test_an_album_has_its_caption_on_the_first_picture(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    await telegram.person("Ann").send_album([png(), png(colour="blue")], "/imagine both")

    updates = await poll(telegram_bot)
    assert [update.message and update.message.caption for update in updates] == ["/imagine both", None]


async def test_a_document_comes_as_it_is(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    await ann.send_document(png(), "cat.png", "/imagine again")

    document = (await message(telegram_bot, ann)).document
    assert document is not None
    assert (document.file_name, document.mime_type) == ("cat.png", "image/png")
    assert bytes(await (await document.get_file()).download_as_bytearray()) == png()


async def test_a_download_address_is_good_for_an_hour(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    await ann.send_document(png(), "cat.png")
    document = (await message(telegram_bot, ann)).document
    assert document is not None
    file = await document.get_file()
    telegram.clock.advance(3601)

    with pytest.raises(library.error.TelegramError, match="Not Found"):
        await file.download_as_bytearray()


async def test_replies_edits_and_forwards_are_told_apart(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann, bob = telegram.person("Ann"), telegram.person("Bob")
    await telegram_bot.send_message(ann.id, "done")
    await ann.reply(ann.messages()[0], "and now a dog")
    await ann.forward("/admin pause", by=bob)
    await ann.type("/imagine a cat")
    await ann.edit("/imagine a dog")

    reply, forward, typed, edit = await poll(telegram_bot)
    assert reply.message is not None
    assert reply.message.reply_to_message is not None
    assert reply.message.reply_to_message.text == "done"
    assert forward.message is not None
    assert isinstance(forward.message.forward_origin, library.MessageOriginUser)
    assert forward.message.forward_origin.sender_user.id == bob.id
    assert typed.message is not None
    assert edit.message is None
    assert edit.edited_message is not None
    assert (edit.edited_message.text, edit.edited_message.message_id) == ("/imagine a dog", typed.message.message_id)


async def test_a_message_that_somebody_deleted_is_gone_for_all(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    group = telegram.group("Painters")
    ann, bob = telegram.person("Ann", group), telegram.person("Bob", group)
    message = await telegram_bot.send_message(group.id, "queued")

    await ann.delete(ann.messages()[0])

    assert not bob.messages()
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await message.edit_text("running")


async def test_anonymous_admins_and_channels_hide_who_types(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    group = telegram.supergroup("Painters")
    ann = telegram.person("Ann", group, status="administrator")
    await ann.type_anonymously("/admin pause")
    await ann.type_as_channel("/admin pause")

    for update, name, sender in zip(
        await poll(telegram_bot), ("GroupAnonymousBot", "Channel_Bot"), ("supergroup", "channel"), strict=True
    ):
        assert update.message is not None
        assert update.message.from_user is not None
        assert update.message.from_user.username == name
        assert update.message.sender_chat is not None
        assert update.message.sender_chat.type == sender


async def test_privacy_mode_lets_through_what_is_meant_for_the_bot(
    telegram: TelegramServer, telegram_bot: library.Bot
) -> None:
    group = telegram.group("Painters")
    ann = telegram.person("Ann", group)
    posted = await telegram_bot.send_message(group.id, "done", reply_markup=keyboard("again"))
    seen = await ann.until(lambda seen: seen.id.endswith(f"/{posted.message_id}"))
    for line in ("hello", "/one", "/two@fairbrush_bot", "/three@other_bot", "say /four"):
        await ann.type(line)
    await ann.reply(seen, "five")
    await ann.type("nothing")
    await ann.reply_to_own("no")
    telegram.let_another_bot_speak(group)
    await ann.type("/six")
    await ann.send_photo(png(), "/seven@fairbrush_bot")
    await ann.reply_to_own("eight")

    assert said(await poll(telegram_bot)) == ["/one", "/two@fairbrush_bot", "five", None, "eight"]
    telegram.change_bot(group, "administrator", by=ann)
    await ann.type("hello all")
    assert said(await poll(telegram_bot, ann.last_update)) == ["hello all"]


async def test_a_selective_prompt_asks_whom_it_names() -> None:
    async with TelegramServer(patience_s=0.1) as server, connected(server) as bot:
        group = server.group("Painters")
        ann, bob = server.person("Ann", group), server.person("Bob", group)
        await bot.send_message(group.id, "no prompt")
        await bot.send_message(group.id, "What instead, @ann ?", reply_markup=ForceReply(selective=True))

        with pytest.raises(AssertionError, match="No message became so"):
            await bob.fill("a dog")
        await ann.fill("a cat")

        assert said(await poll(bot)) == ["a cat"]


async def test_topics_are_places_of_their_own(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    forum = telegram.supergroup("Painters", is_forum=True)
    topic = telegram.topic(forum, "Cats")
    ann = telegram.person("Ann", topic)
    await ann.type("/imagine a cat")

    typed = await message(telegram_bot, ann)
    assert (typed.message_thread_id, typed.is_topic_message) == (topic.id, True)
    assert typed.reply_to_message is not None
    assert typed.reply_to_message.forum_topic_created is not None
    answer = await telegram_bot.send_message(forum.id, "queued", message_thread_id=topic.id)
    assert answer.message_thread_id == topic.id
    for nowhere in (1, 4711):
        with pytest.raises(BadRequest, match="Message thread not found"):
            await telegram_bot.send_message(forum.id, "queued", message_thread_id=nowhere)
    in_general = ann.at(forum)
    await in_general.type("/queue")
    assert (await message(telegram_bot, in_general)).message_thread_id is None


async def test_a_group_that_grows_changes_its_id(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    group = telegram.group("Painters")
    ann = telegram.person("Ann", group)
    posted = await telegram_bot.send_message(group.id, "queued")

    grown = telegram.migrate(group)

    old, new = await poll(telegram_bot)
    assert old.message is not None
    assert new.message is not None
    assert (old.message.chat.id, old.message.migrate_to_chat_id) == (group.id, grown.id)
    assert (new.message.chat.id, new.message.migrate_from_chat_id) == (grown.id, group.id)
    for call in (telegram_bot.send_message(group.id, "done"), posted.edit_text("done")):
        with pytest.raises(ChatMigrated) as refused:
            await call
        assert refused.value.new_chat_id == grown.id
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await telegram_bot.edit_message_text("done", grown.id, 4711)
    await telegram_bot.send_message(grown.id, "done")
    await ann.until(lambda seen: seen.text == "done")
    await ann.type("/queue")
    assert (await message(telegram_bot, ann)).chat.id == grown.id


async def test_whoever_blocks_the_bot_hears_nothing_more(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann")
    await ann.block()

    (update,) = await poll(telegram_bot)
    assert update.my_chat_member is not None
    assert update.my_chat_member.new_chat_member.status == ChatMemberStatus.BANNED
    with pytest.raises(Forbidden, match=r"(?i)bot was blocked by the user"):
        await telegram_bot.send_message(ann.id, "done")
    await ann.unblock()
    await telegram_bot.send_message(ann.id, "done")


@pytest.mark.parametrize(("status", "words"), [("kicked", "was kicked from the group"), ("left", "is not a member of")])
async def test_a_bot_that_was_shown_the_door_may_not_write(
    telegram: TelegramServer, telegram_bot: library.Bot, status: str, words: str
) -> None:
    group = telegram.group("Painters")
    telegram.change_bot(group, status, by=telegram.person("Ann", group))

    with pytest.raises(Forbidden, match=words):
        await telegram_bot.send_message(group.id, "done")


async def test_a_bot_may_write_first_to_nobody(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann", telegram.group("Painters"))

    with pytest.raises(Forbidden, match=r"(?i)bot can't initiate conversation with a user"):
        await telegram_bot.send_message(ann.id, "hello")
    with pytest.raises(BadRequest, match="Chat not found"):
        await telegram_bot.send_message(4711, "hello")
    await ann.in_private().type("/start")
    await telegram_bot.send_message(ann.id, "hello")


async def test_members_and_their_ranks_can_be_asked_for(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    group = telegram.supergroup("Painters")
    ann = telegram.person("Ann", group, status="creator")
    bob, stranger = telegram.person("Bob", group), telegram.person("Stranger")

    ranks = [(await telegram_bot.get_chat_member(group.id, one.id)).status for one in (ann, bob, stranger)]

    assert ranks == ["creator", "member", "left"]
    assert [one.user.id for one in await telegram_bot.get_chat_administrators(group.id)] == [ann.id]
    assert (await telegram_bot.get_chat(group.id)).title == "Painters"


async def test_commands_are_shown_by_the_narrowest_scope(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann, bob = telegram.person("Ann"), telegram.person("Bob")
    await telegram_bot.set_my_commands([BotCommand("imagine", "Makes a picture")])
    admins: Any = BotCommandScopeChat(ann.id)
    await telegram_bot.set_my_commands([BotCommand("imagine", "Makes"), BotCommand("admin", "Rules")], scope=admins)

    assert telegram.commands_seen_by(ann, ann.private_chat()) == ["imagine", "admin"]
    assert telegram.commands_seen_by(bob, bob.private_chat()) == ["imagine"]
    assert [command.command for command in await telegram_bot.get_my_commands(scope=admins)] == ["imagine", "admin"]
    await telegram_bot.delete_my_commands(scope=admins)
    assert telegram.commands_seen_by(ann, ann.private_chat()) == ["imagine"]
    assert len(await telegram_bot.get_my_commands(scope=BotCommandScopeDefault())) == 1


async def test_the_seconds_until_an_answer_are_noted(telegram: TelegramServer, telegram_bot: library.Bot) -> None:
    ann = telegram.person("Ann", telegram.supergroup("Painters"))
    await ann.type("hello everybody")
    await ann.type("/imagine a cat")
    await telegram_bot.send_message(ann.place_id, "queued")
    await telegram_bot.send_message(ann.place_id, "by the way")

    assert len(telegram.acknowledgements) == 1
    assert 0 < telegram.acknowledgements[0] < 10
    assert [call.method for call in telegram.calls] == ["getMe", "sendMessage", "sendMessage"]
