"""How does an operator set a chat up: check the token, hear what is missing, become the first admin?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from bot.access import Access
from bot.app import open_access
from bot.chat import CommandError
from bot.platforms.connection import BadTokenError
from bot.settings import Settings
from storage import InUseError, StorageError

WAIT_S = 900.0
DISCORD_STEPS = """\
Discord needs a bot of your own:
1. In the developer portal, https://discord.com/developers/applications, make a new application.
2. On its page "Bot", press "Reset Token", and put the token into the environment or .env as FAIRBRUSH_DISCORD__TOKEN.
3. Run fairbrush setup discord once more: it gives you the link that invites the bot to your server."""
TELEGRAM_STEPS = """\
Telegram needs a bot of your own:
1. Write /newbot to @BotFather, https://t.me/BotFather, and choose a name.
2. Put the token that it gives you into the environment or .env as FAIRBRUSH_TELEGRAM__TOKEN.
3. Run fairbrush setup telegram once more: it makes you the bot's first admin."""
IN_USE = (
    "Another Fairbrush is using the data directory {directory}: stop it, run fairbrush setup {platform} again, "
    "and start it anew. Meanwhile an admin can give others the right in chat, by /admin grant."
)
TOO_LATE = "Nobody has opened the link for a quarter of an hour, so nobody became an admin: run the setup again."
READY = "That is all. Start it with: fairbrush run"


async def set_up(settings: Settings, platform: str) -> int:
    """Set up the platform of this name; gives the exit status.

    Raises:
        CommandError: there is no such platform, no token, a wrong one, or no connection; the text says what to do.
        StorageError: the data directory cannot be used, such as while the bot is running.
    """
    known = {"discord": _set_up_discord, "telegram": _set_up_telegram}
    if platform.casefold() not in known:
        raise CommandError(f'There is no platform "{platform}" to set up: possible are {" and ".join(known)}.')
    await known[platform.casefold()](settings)
    print(READY)
    return 0


async def _set_up_discord(settings: Settings) -> None:
    if settings.discord.token is None:
        raise CommandError(DISCORD_STEPS)
    from bot.platforms.discord import examine  # noqa: PLC0415 - a second's import, for whoever needs it

    async with _access(settings, "discord") as access:
        report = await examine(settings.discord.token, proxy=settings.discord.proxy)
        print(f"The token is right: its bot is {report.application}.")
        _print_list("What is left to do, or could be better:", report.missing)
        await _grant(access, report.owner, f"{report.owner_name}, who owns the application")
        print(f"To invite the bot to a server, open this link:\n  {report.invite}")


async def _set_up_telegram(settings: Settings) -> None:
    if settings.telegram.token is None:
        raise CommandError(TELEGRAM_STEPS)
    from bot.platforms.telegram.setup import new_code, opened  # noqa: PLC0415 - a second's import, as above

    async with (
        _access(settings, "telegram") as access,
        opened(settings.telegram.token, settings.telegram.base_url) as bot,
    ):
        print(f"The token is right: its bot is {bot.name}, {bot.link}")
        if host := await bot.webhook():
            await bot.remove_webhook()
            print(f"A webhook to {host} was set, which keeps the bot from hearing anything: it is removed now.")
        _print_list("What could be better:", bot.hints())
        code = new_code()
        print(f"To become an admin, open this link and press Start:\n  {bot.code_link(code)}", flush=True)
        try:
            async with asyncio.timeout(WAIT_S):
                admin = await bot.first_admin(code)
        except TimeoutError:
            raise CommandError(TOO_LATE) from None
        await _grant(access, admin.key, admin.name)
        print(f"To add the bot to a group, open this link:\n  {bot.group_link}")


@contextlib.asynccontextmanager
async def _access(settings: Settings, platform: str) -> AsyncIterator[Access]:
    """Open the members' rights, which the running bot would not see changed."""
    try:
        async with open_access(settings) as access:
            try:
                yield access
            except BadTokenError as error:
                raise CommandError(str(error)) from error
    except InUseError as error:
        raise StorageError(IN_USE.format(directory=settings.data_dir, platform=platform)) from error


async def _grant(access: Access, key: str, name: str) -> None:
    is_new = await access.grant(key)
    print(f"{name} ({key}) is an admin {'now' if is_new else 'already'}.")


def _print_list(title: str, lines: Iterable[str]) -> None:
    if lines := tuple(lines):
        print("\n".join([title, *(f"  - {line}" for line in lines)]))
