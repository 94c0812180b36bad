"""Did the bot keep to its budgets of calls, chat by chat?"""

from __future__ import annotations

import json
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from bot.platforms.telegram.budget import CHAT, GROUP, OVERALL
from tests.soak.ledger import Ledger
from tests.soak.script import JOB
from tests.standins.discord import DiscordServer
from tests.standins.telegram import ApiCall, TelegramServer

JITTER_S = 0.3  # what is sent evenly does not arrive evenly
DISCORD_EDIT = "PATCH /channels/{channel_id}/messages/{message_id}"
DISCORD_EDITS, DISCORD_WINDOW_S = 5, 5.0  # in a channel
DISCORD_EDIT_S = 2.0  # between two edits of a message under way
TELEGRAM_COUNTED = ("send", "edit")
TELEGRAM_CALLS, TELEGRAM_WINDOW_S = 6, 6.0  # in a chat
TELEGRAM_GROUP_CALLS, TELEGRAM_GROUP_WINDOW_S = 20, 60.0
TELEGRAM_ALL_CALLS, TELEGRAM_ALL_WINDOW_S = 30, 1.0
TELEGRAM_EDIT_S, TELEGRAM_GROUP_EDIT_S = 2.0, 6.0


def check_discord(discord: DiscordServer, ledger: Ledger) -> int:
    """Raise unless all edits kept to their budget; give the most edits of a channel within the window."""
    assert not discord.limits.refused, f"refused for going too fast: {discord.limits.refused}"
    edits = [each for each in discord.rest.received if each.route == DISCORD_EDIT]
    channels: dict[str, list[float]] = {}
    for each in edits:
        channels.setdefault(each.params["channel_id"], []).append(each.at)
    most = max(_most(times, DISCORD_WINDOW_S) for times in channels.values())
    assert most <= DISCORD_EDITS
    for post in ledger.posts.values():
        if post.platform == "discord":
            under_way = [at for at, state in post.moments[1:] if state in ("queued", "running")]
            _check_gaps(f"job {post.job_id}", under_way, DISCORD_EDIT_S)
    return most


def check_telegram(telegram: TelegramServer) -> int:
    """Raise unless all calls kept to their budget; give the most calls of a group within its window."""
    assert not telegram.floods, f"refused for going too fast: {telegram.floods}"
    counted = _counted(telegram)
    assert _most([call.at for call in counted], TELEGRAM_ALL_WINDOW_S) <= TELEGRAM_ALL_CALLS
    most_of_groups = 0
    for chat, calls in _by_chat(counted).items():
        times = [call.at for call in calls]
        assert _most(times, TELEGRAM_WINDOW_S) <= TELEGRAM_CALLS, f"chat {chat}"
        is_group = chat.startswith("-")
        if is_group:
            most_of_groups = max(most_of_groups, _most(times, TELEGRAM_GROUP_WINDOW_S))
        _check_progress(chat, calls, TELEGRAM_GROUP_EDIT_S if is_group else TELEGRAM_EDIT_S, is_group=is_group)
    assert most_of_groups <= TELEGRAM_GROUP_CALLS
    return most_of_groups


class Allowance:
    """Tells whether the bot's budget held a call up: one that had to wait goes when a window is full to the brim."""

    def __init__(self, telegram: TelegramServer) -> None:
        counted = _passed(telegram)  # what Telegram does not count, the bot does
        self._all = [call.at for call in counted]
        self._chats = {chat: [call.at for call in calls] for chat, calls in _by_chat(counted).items()}

    def had_room(self, chat: str, at: float) -> bool:
        """Tell whether there was room left in every window right after this moment's call."""
        own = self._chats[chat]
        windows = [(own, CHAT), (self._all, OVERALL), *([(own, GROUP)] if chat.startswith("-") else [])]
        return all(_within(times, pace.seconds + JITTER_S, at) < pace.calls for times, pace in windows)


def _passed(telegram: TelegramServer) -> list[ApiCall]:
    passed = (call for call in telegram.calls if call.status == 200 and call.method.startswith(TELEGRAM_COUNTED))
    return sorted(passed, key=lambda call: call.at)


def _counted(telegram: TelegramServer) -> list[ApiCall]:
    return [call for call in _passed(telegram) if call.method != "sendChatAction"]


def _within(times: Sequence[float], window_s: float, at: float) -> int:
    return bisect(times, at) - bisect(times, at - window_s)


def _check_progress(chat: str, calls: Sequence[ApiCall], gap_s: float, *, is_group: bool) -> None:
    """In a group all progress shares one pace, elsewhere each message has its own."""
    paces: dict[str, list[float]] = {}
    for call in calls:
        match = JOB.match(_words(call))
        if call.method.startswith("edit") and match is not None and match["state"] in (None, "queued"):
            paces.setdefault("" if is_group else call.texts["message_id"], []).append(call.at)
    for times in paces.values():
        _check_gaps(f"chat {chat}", times, gap_s)


def _words(call: ApiCall) -> str:
    media = json.loads(call.texts.get("media", "{}"))
    return call.texts.get("text") or call.texts.get("caption") or (media.get("caption", "") if media else "")


def _by_chat(calls: Iterable[ApiCall]) -> Mapping[str, list[ApiCall]]:
    found: dict[str, list[ApiCall]] = {}
    for call in calls:
        found.setdefault(call.chat, []).append(call)
    return found


def _check_gaps(what: str, times: Sequence[float], gap_s: float) -> None:
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert not gaps or min(gaps) >= gap_s - JITTER_S, f"{what}: two edits under way within {min(gaps):.2f} s"


def _most(times: Sequence[float], window_s: float) -> int:
    """Give the most moments that lie in one window, shortened by what may be jitter."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= window_s - min(JITTER_S, window_s / 10):
            first += 1
        most = max(most, last + 1 - first)
    return most
