"""Do our commands become slash commands, with all that Discord offers while they are typed?"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.command import Kind
from generation import read_metadata
from tests.bot.platforms.discord_room import DiscordRoom, is_done, room_of
from tests.standins.discord.drafts import Upload
from tests.standins.discord.errors import ApiError
from tests.standins.discord.server import DiscordServer
from tests.standins.discord.world import Can, Role
from tests.standins.person import NotOfferedError, Seen

MANAGE_GUILD = 1 << 5


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DiscordRoom]:
    """One room for the whole module: for tests that leave it as they found it."""
    async with DiscordServer() as server, room_of(server, tmp_path_factory.mktemp("room")) as room:
        yield room


def options(room: DiscordRoom, name: str) -> dict[str, dict[str, Any]]:
    """Give a registered command's options, by name."""
    return {option["name"]: option for option in room.server.commands.registered[name]["options"]}


def picture(colour: str = "red") -> Upload:
    """Make a file to attach."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, "PNG")
    return Upload.named("mine.png", file.getvalue())


def made(seen: Seen, directory: Path) -> Any:
    """Read what a finished message's picture says of itself."""
    path = directory / "seen.png"
    path.write_bytes(seen.pictures[0])
    return read_metadata(path)


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_picture_is_made_in_the_one_message_that_answers_the_command(shared: DiscordRoom) -> None:
    ann = shared.server.person("Ann", shared.server.channel(shared.server.studio.guild, "alone"))

    await ann.type("/imagine a red circle --seed 7")
    done = await ann.until(is_done)

    assert [seen.id for seen in ann.messages()] == [done.id]
    assert shared.server.rest.requests["POST /channels/{channel_id}/messages"] == 0
    assert shared.server.rest.requests["GET /webhooks/{webhook_id}/{webhook_token}/messages/@original"] == 0


async def test_every_command_of_the_router_is_a_slash_command(shared: DiscordRoom) -> None:
    registered = shared.server.commands.registered
    slashes = {name for name in registered if name != "admin"}
    slashes |= {f"admin {option['name']}" for option in registered["admin"]["options"]}

    assert slashes == set(shared.app.router.commands())


async def test_admin_commands_are_for_servers_and_those_who_manage_them(shared: DiscordRoom) -> None:
    admin, imagine = (shared.server.commands.registered[name] for name in ("admin", "imagine"))

    assert admin["default_member_permissions"] == str(MANAGE_GUILD)
    assert (admin["contexts"], admin["integration_types"]) == ([0], [0])
    assert imagine["default_member_permissions"] is None
    assert (imagine["contexts"], imagine["integration_types"]) == ([0, 1, 2], [0, 1])


async def test_admin_commands_are_not_offered_to_others(shared: DiscordRoom) -> None:
    with pytest.raises(NotOfferedError, match="is not offered"):
        await shared.server.person("Ann").type("/admin pause")


async def test_options_have_the_types_of_their_flags(shared: DiscordRoom) -> None:
    types = {name: option["type"] for name, option in options(shared, "imagine").items()}

    assert types["prompt"] == 3
    assert types["seed"] == 4
    assert types["cfg"] == 10
    assert types["spoiler"] == 5
    assert types["image"] == 11


async def test_typed_options_mean_the_same_as_flags(shared: DiscordRoom, tmp_path: Path) -> None:
    ann = shared.server.person("Ann", shared.server.channel(shared.server.studio.guild, "typed"))
    await ann.invoke(
        "imagine", prompt="a cat", model="flatter", seed=5, steps=3, cfg=2.5, ar="2:1", no='mice, "rats"', spoiler=True
    )

    done = await ann.until(is_done)

    request = made(done, tmp_path).request
    assert (request.prompt, request.model, request.seed, request.num_inference_steps) == ("a cat", "flatter", 5, 3)
    assert (request.guidance_scale, request.negative_prompt) == (2.5, 'mice, "rats"')
    assert request.width == 2 * request.height
    assert done.is_spoiler


async def test_flags_inside_the_prompt_work_beside_options(shared: DiscordRoom, tmp_path: Path) -> None:
    ann = shared.server.person("Ann", shared.server.channel(shared.server.studio.guild, "mixed"))
    await ann.invoke("imagine", prompt="a cat —seed 9 in the rain", steps=2)

    request = made(await ann.until(is_done), tmp_path).request

    assert (request.prompt, request.seed, request.num_inference_steps) == ("a cat in the rain", 9, 2)


async def test_a_flag_that_is_given_both_ways_is_refused_privately(shared: DiscordRoom) -> None:
    ann = shared.server.person("Ann")
    await ann.invoke("imagine", prompt="a cat --seed 9", seed=8)

    refusal = await ann.until(lambda seen: "given twice" in seen.text)

    assert refusal.text == "--seed is given twice."
    assert refusal.is_private


async def test_models_are_offered_while_they_are_typed(shared: DiscordRoom) -> None:
    ann = shared.server.person("Ann")

    assert [choice.value for choice in await ann.autocomplete("imagine", "model", "flat")][:2] == ["flat", "flatter"]
    assert [choice.value for choice in await ann.autocomplete("imagine", "model", "ATTER")] == ["flatter"]
    assert await ann.autocomplete("imagine", "model", "no such model") == []


async def test_styles_are_offered_while_they_are_typed(shared: DiscordRoom) -> None:
    offered = await shared.server.person("Ann").autocomplete("imagine", "style", "")

    assert [choice.value for choice in offered] == list(shared.app.router.offers(Kind.STYLE))[:25]


async def test_adapters_are_offered_one_after_the_other(shared: DiscordRoom) -> None:
    ann = shared.server.person("Ann")

    offered = [await ann.autocomplete("imagine", "lora", typed) for typed in ("", "OUT", "ink:0.5,o", "ink, x")]

    assert [[choice.value for choice in choices] for choices in offered] == [
        ["outline"],
        ["outline"],
        ["ink:0.5, outline"],
        [],
    ]


async def test_models_are_offered_to_admins_as_the_text_of_a_command(shared: DiscordRoom) -> None:
    offered = await shared.server.owner.autocomplete("admin model", "model", "flatt")

    assert [choice.value for choice in offered] == ["flatter"]


async def test_an_attached_picture_is_what_the_new_one_starts_from(shared: DiscordRoom, tmp_path: Path) -> None:
    ann = shared.server.person("Ann", shared.server.channel(shared.server.studio.guild, "attached"))
    await ann.invoke("imagine", prompt="a cat", image=picture(), strength=0.5)

    done = await ann.until(is_done)

    request = made(done, tmp_path).request
    assert request.image
    assert request.strength == 0.5
    assert shared.server.cdn.downloads == 1


async def test_a_mask_is_an_option_beside_the_picture(shared: DiscordRoom, tmp_path: Path) -> None:
    half, file = Image.new("L", (64, 64)), io.BytesIO()
    half.paste(255, (32, 0, 64, 64))
    half.save(file, "PNG")
    ann = shared.server.person("Ann", shared.server.channel(shared.server.studio.guild, "masked"))

    await ann.invoke("imagine", prompt="a cat", mask=Upload.named("mask.png", file.getvalue()), image=picture())
    done = await ann.until(is_done)

    assert made(done, tmp_path).request.mask
    with Image.open(tmp_path / "seen.png") as image:
        assert image.convert("RGB").crop((0, 0, 32, 64)).getcolors() == [(32 * 64, (255, 0, 0))]
        assert image.getpixel((60, 32)) != (255, 0, 0)


async def test_an_attachment_that_is_no_picture_is_refused(shared: DiscordRoom) -> None:
    ann = shared.server.person("Ann")
    await ann.invoke("imagine", prompt="a cat", image=Upload.named("mine.png", b"no picture at all"))

    refusal = await ann.until(lambda seen: seen.is_private and "picture" in seen.text)

    assert "Traceback" not in refusal.text


async def test_an_attachment_that_cannot_be_fetched_is_refused_in_words(shared: DiscordRoom) -> None:
    ann = shared.server.person("Ann")
    await ann.invoke("imagine", prompt="a cat", image=picture())
    for attachment in list(shared.server.cdn._files.values()):
        shared.server.cdn.drop(attachment)

    refusal = await ann.until(lambda seen: "fetched" in seen.text)

    assert refusal.text == "mine.png cannot be fetched from Discord: attach it once more."


async def test_members_are_named_by_choosing_them(shared: DiscordRoom) -> None:
    troll = shared.server.person("Troll")
    await shared.server.owner.invoke("admin block", member=troll.user)
    await shared.server.owner.until(lambda seen: seen.text == f"discord:{troll.id} is blocked.")

    await troll.type("/imagine a cat")

    assert (await troll.until(lambda seen: seen.is_private)).text == "An admin has blocked you here."


async def test_a_role_can_be_given_the_admin_right(shared: DiscordRoom) -> None:
    guild = shared.server.studio.guild
    role = shared.server.role(guild, "Painters", Can.MANAGE_GUILD)
    pia = shared.server.person("Pia", None, role)
    await pia.type("/admin status")
    await pia.until(lambda seen: seen.text == "/admin status is for admins only.")

    await shared.server.owner.invoke("admin grant", who=role)
    await shared.server.owner.until(lambda seen: seen.text.startswith(f"discord:role:{role.id} has the admin right"))
    await pia.type("/admin status")

    await pia.until(lambda seen: seen.text.startswith("Card: "))


async def test_the_role_of_everyone_means_the_whole_server(shared: DiscordRoom) -> None:
    guild = shared.server.guild("Frugal")
    owner = shared.server.owner.at(shared.server.channel(guild, "general"))
    everyone = Role(guild.id, "@everyone", Can.MANAGE_GUILD)
    fay = shared.server.person("Fay", owner.place)

    await owner.invoke("admin quota", who=everyone, n="0")
    await owner.until(lambda seen: seen.text == "Limits for everyone here: 0 pictures a day.")
    await fay.type("/imagine a cat")

    await fay.until(lambda seen: seen.text == "You may not ask for pictures here, until an admin changes that.")


async def test_a_sync_that_fails_is_made_up_for_at_the_next_start(tmp_path: Path) -> None:
    async with DiscordServer() as server:
        server.faults.refuse("PUT /applications", ApiError(403, 50001, "Missing Access"))
        async with room_of(server, tmp_path):
            assert server.commands.registered == {}
        async with room_of(server, tmp_path):
            assert "imagine" in server.commands.registered


async def test_commands_are_synced_once_and_not_again_at_the_next_start(tmp_path: Path) -> None:
    async with DiscordServer() as server:
        for _ in range(2):
            async with room_of(server, tmp_path):
                pass

        assert len(server.commands.puts) == 1
