"""Do a thousand requests of fifty members on both platforms at once come out right, each of them once?"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from tests.bot.online import PLATFORMS, Chats
from tests.soak import paces, verdicts
from tests.soak.books import Books
from tests.soak.crowd import Crowd, tire
from tests.soak.ledger import Ledger
from tests.soak.running import Running
from tests.soak.script import Script
from tests.soak.town import SPOTS, Town

SEED = 3
MEMBERS = 50
WEIGH_EVERY_S = 0.5
SETTLE_S = 120.0


@pytest.mark.parametrize(
    ("requests", "growth"),
    [pytest.param(150, 1.05, id="small"), pytest.param(1000, 1.02, id="full", marks=pytest.mark.slow)],
)
async def test_every_request_is_delivered_exactly_once(
    requests: int, growth: float, chats: Chats, running: Running, tmp_path: Path, report: Callable[[str], None]
) -> None:
    ledger, town = Ledger(chats.discord, chats.telegram), Town(chats.discord, chats.telegram, MEMBERS)
    crowd, books, began = Crowd(town), Books(running.data), time.monotonic()

    await running.start()
    await chats.served(*PLATFORMS)
    async with asyncio.TaskGroup() as tasks:
        tiring = tasks.create_task(tire(tmp_path / "switches" / "hold", Random(SEED)))
        weights = await weighed(running, live(crowd, town, requests))
        tiring.cancel()
    await books.settled(SETTLE_S)
    seconds = time.monotonic() - began
    status = await running.stop()

    jobs, (before, after) = books.jobs(), thirds(weights)
    report(f"soak: {len(jobs)} requests in {seconds:.0f} s, {dict(crowd.done)}")
    report(f"soak: memory {before:.1f} MiB in the middle third, {after:.1f} MiB in the last")
    for line in acknowledgements(crowd, chats):
        report(line)
    assert (status, len(jobs)) == (0, requests)
    assert not chats.discord.interactions.unanswered
    report(f"soak: warnings {dict(verdicts.check_logs(running.said()))}")
    verdicts.check_requests(jobs, crowd.asked)
    verdicts.check_seeds(jobs, crowd.asked)
    assert not verdicts.check_each_is_shown_once(jobs, ledger)
    verdicts.check_pictures(jobs, ledger)
    edits, calls = paces.check_discord(chats.discord, ledger), paces.check_telegram(chats.telegram)
    report(f"soak: at most {edits} edits in 5 s of a Discord channel, {calls} calls in 60 s of a Telegram group")
    assert after <= before * growth


async def live(crowd: Crowd, town: Town, requests: int) -> None:
    """Let all members do their share, and wait for them."""
    async with asyncio.TaskGroup() as members:
        for number, member in enumerate(town.members):
            script = Script(SEED, number, member.platform, SPOTS[member.platform])
            share = requests // MEMBERS + (number < requests % MEMBERS)
            members.create_task(crowd.live(member, list(script.share(share))), name=member.name)


async def weighed(running: Running, living: Coroutine[None, None, None]) -> list[float]:
    """Note how much memory the program holds, now and then until the members have had enough."""
    life, weights = asyncio.ensure_future(living), []
    while not life.done():
        weights.append(running.resident_mib)
        await asyncio.wait([life], timeout=WEIGH_EVERY_S)
    await life
    return weights


def thirds(weights: Sequence[float]) -> tuple[float, float]:
    """Give the medians of the middle third and of the last."""
    third = len(weights) // 3
    return statistics.median(weights[third : 2 * third]), statistics.median(weights[2 * third :])


def acknowledgements(crowd: Crowd, chats: Chats) -> Iterator[str]:
    """Say how long it took until what people typed or pressed was answered: by their own clocks, and the stand-ins'."""
    on = {platform: [each for each in crowd.acknowledged if each.platform == platform] for platform in PLATFORMS}
    allowed = paces.Allowance(chats.telegram)
    at_once = [each for each in on["telegram"] if allowed.had_room(each.chat, each.ended)]
    times = {
        "discord, jobs": [each.waited_s for each in on["discord"]],
        "discord, every first answer": chats.discord.acknowledgements,
        "telegram, jobs": [each.waited_s for each in on["telegram"]],
        "telegram, jobs with room in its limits": [each.waited_s for each in at_once],
        "telegram, presses": chats.telegram.press_answers,
    }
    for name, seconds in times.items():
        if seconds:
            each = sorted(1000 * one for one in seconds)
            p99 = each[min(len(each) - 1, int(0.99 * len(each)))]
            yield f"acknowledged: {name:<38} p50 {statistics.median(each):7.1f} ms  p99 {p99:8.1f} ms  n {len(each)}"
