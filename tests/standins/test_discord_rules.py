"""Does the stand-in notice what the bot may not send?"""

from __future__ import annotations

import io
import json
from typing import Any

import aiohttp
import discord
import pytest

from tests.standins.discord import DiscordServer
from tests.standins.small_bot import Again, SmallBot, asked, raw, running
from tests.standins.specs import DISCORD_SPEC
from tests.standins.violations import check_all

pytestmark = pytest.mark.skipif(not DISCORD_SPEC.exists(), reason="Discord's published schema is not here")

V2 = 1 << 15


def button(**about: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": "a", **about}


def rows(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"content": "hello", "components": [{"type": 1, "components": list(buttons)}]}


def lines(count: int) -> list[dict[str, Any]]:
    return [{"type": 10, "content": str(number)} for number in range(count)]


BAD_MESSAGES: dict[str, dict[str, Any]] = {
    "content of 2001": {"content": "x" * 2001},
    "an unknown field": {"contents": "hello"},
    "eleven embeds": {"embeds": [{"title": "x"}] * 11},
    "embeds of 6001": {"embeds": [{"description": "x" * 3001}, {"description": "x" * 3000}]},
    "a custom id of 101": rows(button(custom_id="x" * 101)),
    "a label of 81": rows(button(label="x" * 81)),
    "a label and no custom id": rows(button(custom_id=None)),
    "a button without a face": rows(button(label=None)),
    "six buttons in a row": rows(*(button(custom_id=str(number)) for number in range(6))),
    "six rows": {"content": "x", "components": [rows(button(custom_id=str(n)))["components"][0] for n in range(6)]},
    "a custom id twice": rows(button(), button()),
    "a nonce of 26": {"content": "hello", "nonce": "x" * 26},
    "a color out of range": {"embeds": [{"title": "x", "color": 1 << 24}]},
    "an attachment that is not there": {"content": "hello", "attachments": [{"id": 0, "filename": "a.png"}]},
    "nothing at all": {"content": ""},
    "the new components without their flag": {"components": lines(1)},
    "the new components with content": {"content": "hello", "flags": V2, "components": lines(1)},
    "forty-one components": {"flags": V2, "components": lines(41)},
    "a flag that cannot be set": {"content": "hello", "flags": 1 << 7},
}

COMMAND = {"name": "do", "description": "Does it", "type": 1}
OPTION = {"type": 3, "name": "text", "description": "A text"}
BAD_COMMANDS: dict[str, list[dict[str, Any]]] = {
    "a description of 101": [COMMAND | {"description": "x" * 101}],
    "no description": [COMMAND | {"description": ""}],
    "a name in capitals": [COMMAND | {"name": "Do"}],
    "a name with a space": [COMMAND | {"name": "do it"}],
    "a name of 33": [COMMAND | {"name": "x" * 33}],
    "a name twice": [COMMAND, COMMAND],
    "an option twice": [COMMAND | {"options": [OPTION, OPTION]}],
    "a needed option last": [
        COMMAND | {"options": [OPTION, {**OPTION, "name": "more", "required": True}]},
    ],
    "26 choices": [
        COMMAND | {"options": [OPTION | {"choices": [{"name": str(n), "value": str(n)} for n in range(26)]}]}
    ],
    "an unknown field": [COMMAND | {"colour": 1}],
    "8001 letters": [
        COMMAND
        | {
            "options": [
                {**OPTION, "name": f"o{n}", "choices": [{"name": "x" * 100, "value": f"{n}" * 100}] * 25}
                for n in range(2)
            ]
        },
    ],
}


async def has_violations(server: DiscordServer, count: int = 1) -> bool:
    found = len(server.violations)
    server.violations.clear()
    return found == count


@pytest.mark.parametrize("what", BAD_MESSAGES)
async def test_a_message_is_refused_that_has(server: DiscordServer, what: str) -> None:
    status, body = await raw(server, "POST", f"/channels/{server.studio.id}/messages", json=BAD_MESSAGES[what])

    assert (status, body["code"]) in {(400, 50035), (400, 50006)}
    assert await has_violations(server)
    assert server.owner.messages() == []


@pytest.mark.parametrize("what", BAD_COMMANDS)
async def test_commands_are_refused_that_have(server: DiscordServer, what: str) -> None:
    path = f"/applications/{server.world.bot.id}/commands"
    status, body = await raw(server, "PUT", path, json=BAD_COMMANDS[what])

    assert (status, body["code"]) == (400, 50035)
    assert await has_violations(server)
    assert server.commands.registered == {}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"type": 4, "data": {"content": "x" * 2001}}, id="content of 2001"),
        pytest.param({"type": 4, "data": {"content": "x", "colour": 1}}, id="an unknown field"),
        pytest.param({"type": 8, "data": {"choices": []}}, id="choices for a command"),
        pytest.param({"type": 9, "data": {"custom_id": "a", "title": "x" * 46, "components": []}}, id="a title of 46"),
        pytest.param({"type": 7, "data": {"content": "x"}}, id="an update of no message"),
    ],
)
async def test_an_answer_is_refused_that_has(server: DiscordServer, bot: SmallBot, data: dict[str, Any]) -> None:
    async def answer(interaction: Any) -> tuple[int, Any]:
        return await raw(server, "POST", f"/interactions/{interaction.id}/{interaction.token}/callback", json=data)

    status, body = await asked(bot, server.person("Ann"), answer)

    assert (status, body["code"]) == (400, 50035)
    assert await has_violations(server)


async def test_twenty_six_completions_are_refused(server: DiscordServer, bot: SmallBot) -> None:
    choices = [{"name": str(number), "value": str(number)} for number in range(26)]
    await raw(server, "PUT", f"/applications/{server.world.bot.id}/commands", json=[COMMAND])
    ann = server.person("Ann")
    server.violations.clear()

    async def answer(interaction: Any) -> tuple[int, Any]:
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        return await raw(server, "POST", path, json={"type": 8, "data": {"choices": choices}})

    await bot.tree.sync()
    status, _ = await asked(bot, ann, answer)

    assert status == 400
    assert await has_violations(server)


async def test_eleven_files_are_refused(server: DiscordServer) -> None:
    form = aiohttp.FormData(quote_fields=False)
    named = [{"id": number, "filename": f"{number}.png"} for number in range(11)]
    form.add_field("payload_json", json.dumps({"attachments": named}), content_type="application/json")
    for number in range(10):
        form.add_field(f"files[{number}]", b"x", filename=f"{number}.png")

    status, _ = await raw(server, "POST", f"/channels/{server.studio.id}/messages", data=form)

    assert status == 400
    assert await has_violations(server)


@pytest.mark.parametrize("path", ["/no/such/route", "/users/@me/guilds?colour=1"])
async def test_a_route_or_query_that_is_not_there_is_noticed(server: DiscordServer, path: str) -> None:
    status, _ = await raw(server, "GET", path)

    assert status in {400, 404}
    assert await has_violations(server)


async def test_the_new_components_cannot_be_taken_away(server: DiscordServer) -> None:
    path = f"/channels/{server.studio.id}/messages"
    _, message = await raw(server, "POST", path, json={"flags": V2, "components": lines(2)})
    assert server.owner.messages()[0].text == "0\n1"

    status, _ = await raw(server, "PATCH", f"{path}/{message['id']}", json={"flags": 0, "content": "plain"})

    assert status == 400
    assert await has_violations(server)


async def test_a_plain_message_can_become_one_of_the_new_components(server: DiscordServer, bot: SmallBot) -> None:
    message = await bot.get_partial_messageable(int(server.studio.id)).send("queued")
    gallery: discord.ui.MediaGallery[discord.ui.LayoutView] = discord.ui.MediaGallery()
    gallery.add_item(media="attachment://red.png")
    layout = discord.ui.LayoutView(timeout=None)
    row: discord.ui.ActionRow[discord.ui.LayoutView] = discord.ui.ActionRow(Again(7))
    layout.add_item(discord.ui.Container(discord.ui.TextDisplay("done"), gallery, row))

    await message.edit(content=None, view=layout, attachments=[discord.File(io.BytesIO(b"red"), "red.png")])

    [seen] = server.owner.messages()
    assert (seen.text, seen.pictures, seen.buttons) == ("done", (b"red",), {"again:7": "🔄 Again"})
    await server.owner.press(seen, "again:7")
    await server.owner.until(lambda other: other.text == "again 7")


async def test_whoever_leaves_after_a_violation_fails() -> None:
    with pytest.raises(AssertionError, match="contents"):  # the leaving raises
        async with DiscordServer() as server:
            await raw(server, "POST", f"/channels/{server.studio.id}/messages", json={"contents": "hello"})


async def test_where_a_stand_in_lives_on_the_test_that_broke_a_rule_fails(server: DiscordServer) -> None:
    await raw(server, "POST", f"/channels/{server.studio.id}/messages", json={"contents": "hello"})

    with pytest.raises(AssertionError, match="contents"):
        check_all()
    check_all()


async def test_the_waived_mismatches_of_the_library_pass(server: DiscordServer) -> None:
    async with running(server) as bot:
        message = await bot.get_partial_messageable(int(server.studio.id)).send("hello")
        edited = await message.edit(content="edited", attachments=[discord.File(__file__)])
        await edited.edit(attachments=edited.attachments, view=None)
        await message.reply("an answer", file=discord.File(__file__))

    assert server.violations == []
