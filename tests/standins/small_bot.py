"""How does a small bot on the real library try the stand-in out?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import discord
from discord import app_commands

from tests.standins.discord import DiscordPerson, DiscordServer

PATIENCE_S = 10.0
FRUITS = ("apple", "apricot", "banana")
EVERYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
IN_SERVERS = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
BOTH_INSTALLS = app_commands.AppInstallationType(guild=True, user=True)

Does = Callable[[discord.Interaction], Awaitable[Any]]


class Again(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"again:(?P<job>\d+)"):
    """A button that holds what it needs in its payload."""

    def __init__(self, job: int) -> None:
        super().__init__(discord.ui.Button(label="Again", emoji="🔄", custom_id=f"again:{job}"))
        self.job = job

    @classmethod
    async def from_custom_id(cls, _: discord.Interaction, __: Any, match: Any) -> Self:
        return cls(int(match["job"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        assert isinstance(interaction.client, SmallBot)
        if interaction.client.on_press is not None:
            await interaction.client.on_press(interaction)
        else:
            await interaction.response.send_message(f"again {self.job}")


def view(*items: discord.ui.Item[Any]) -> discord.ui.View:
    shown = discord.ui.View(timeout=None)
    for item in items:
        shown.add_item(item)
    return shown


class Rename(discord.ui.Modal, title="Edit the prompt"):
    prompt: discord.ui.TextInput[Self] = discord.ui.TextInput(label="Prompt", default="a cat", max_length=20)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"now {self.prompt.value}")


class SmallBot(discord.Client):
    """Does what a test tells it to when somebody types /do or presses "again"."""

    def __init__(self, server: DiscordServer, **about: Any) -> None:
        about.setdefault("intents", discord.Intents(guilds=True))
        super().__init__(proxy=server.proxy, max_messages=None, guild_ready_timeout=0.05, **about)
        self.tree = app_commands.CommandTree(self, allowed_contexts=EVERYWHERE, allowed_installs=BOTH_INSTALLS)
        self.does: Does | None = None
        self.on_press: Does | None = None
        self.resumed = asyncio.Event()
        _add_commands(self)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Again)
        await self.tree.sync()

    async def before_identify_hook(self, _: int | None, *, initial: bool = False) -> None:
        """Does not wait the five seconds between one identify and the next."""

    async def on_resumed(self) -> None:
        self.resumed.set()

    def message(self, channel_id: str | int, message_id: str | int) -> discord.PartialMessage:
        """A message by its ids alone, as after a restart."""
        return self.get_partial_messageable(int(channel_id)).get_partial_message(int(message_id))


def _add_commands(bot: SmallBot) -> None:
    @bot.tree.command(description="Does what the test says")
    async def do(
        interaction: discord.Interaction,
        text: str,
        image: discord.Attachment | None = None,
        times: app_commands.Range[int, 1, 4] = 1,
        fruit: str = "",
    ) -> None:
        interaction.extras.update(text=text, image=image, times=times, fruit=fruit)
        assert bot.does is not None
        await bot.does(interaction)

    @do.autocomplete("fruit")
    async def complete(_: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=fruit.title(), value=fruit) for fruit in FRUITS if fruit.startswith(typed)]

    admin = app_commands.Group(
        name="admin",
        description="For admins",
        default_permissions=discord.Permissions(manage_guild=True),
        allowed_contexts=IN_SERVERS,
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    )

    @admin.command(description="Sets the model")
    async def model(interaction: discord.Interaction, name: str) -> None:
        await interaction.response.send_message(f"model {name}")

    bot.tree.add_command(admin)


@asynccontextmanager
async def running(server: DiscordServer, **about: Any) -> AsyncIterator[SmallBot]:
    """A bot from its login until it is closed cleanly."""
    async with SmallBot(server, **about) as bot:
        life = asyncio.create_task(bot.start(server.token))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await server.connected()
            yield bot
        finally:
            await bot.close()
            await life


async def asked(bot: SmallBot, person: DiscordPerson, does: Does, line: str = "/do it") -> Any:
    """Lets the person type and gives what the bot's doing came to, its error included."""
    outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def run(interaction: discord.Interaction) -> None:
        try:
            outcome.set_result(await does(interaction))
        except (discord.DiscordException, aiohttp.ClientError) as error:
            outcome.set_exception(error)

    bot.does = run
    await person.type(line)
    async with asyncio.timeout(PATIENCE_S):
        return await outcome


async def raw(server: DiscordServer, method: str, path: str, **request: Any) -> tuple[int, Any]:
    """One request without the library, which would not send many a mistake."""
    headers = {"Authorization": f"Bot {server.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, f"https://discord.com/api/v10{path}", proxy=server.proxy, headers=headers, **request
        ) as response,
    ):
        return response.status, await response.json() if response.content_type == "application/json" else None
