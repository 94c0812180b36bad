"""How do fifty members act at once, each at their own pace, until they have had enough?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.soak.script import ASKS, JOB, Deed, Errand, Mistake, Request
from tests.soak.town import Member, Town
from tests.standins.person import NotOfferedError, Person, Seen

DISCORD_PATIENCE_S = 20.0
FAST_S, SLOW_S = (1.0, 4.0), (0.5, 2.0)

IsIt = Callable[[Seen], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """When somebody asked for a picture, and when they saw the job's message; `chat` is Telegram's."""

    platform: str
    chat: str
    began: float
    ended: float

    @property
    def waited_s(self) -> float:
        """Give how long it took."""
        return self.ended - self.began


class NoAnswerError(Exception):
    """Discord told the member that the bot did not answer, or nothing came of it for long."""


class Crowd:
    """The members. With `is_forgiving`, they put up with a bot that does not answer, and ask for something else."""

    def __init__(self, town: Town, *, is_forgiving: bool = False) -> None:
        self._town = town
        self._is_forgiving = is_forgiving
        self._is_leaving = False
        self.asked: list[Request] = []  # once for each line or press that asks for a picture
        self.acknowledged: list[Acknowledgement] = []
        self.done: Counter[str] = Counter()

    def leave(self) -> None:
        """Let everybody finish what they are at, and begin nothing new."""
        self._is_leaving = True

    async def live(self, member: Member, errands: Iterable[Errand]) -> None:
        """Do one errand after the other; the pauses are those of somebody who thinks, not of a test that waits."""
        for errand in errands:
            await asyncio.sleep(errand.pause_s)
            if self._is_leaving:
                return
            if member.platform == "discord":
                await self._town.discord.connected()  # Telegram keeps for the bot what is typed, Discord does not
            try:
                await self._do(member, errand)
            except NoAnswerError:
                self.done["never answered"] += 1
                if not self._is_forgiving:
                    raise

    async def _do(self, member: Member, errand: Errand) -> None:
        person = member.at[errand.spot]
        if isinstance(errand, Mistake):
            await self._err(person, errand)
        else:
            await self._ask(member, person, errand)

    async def _err(self, person: Person, mistake: Mistake) -> None:
        await self._act(person, lambda: person.type(mistake.line), lambda seen: mistake.complaint in seen.text)
        self.done["mistakes answered"] += 1

    async def _ask(self, member: Member, person: Person, request: Request) -> None:
        self.asked.append(request)
        self.done["requests typed"] += 1
        began = time.time()
        seen = await self._act(person, lambda: person.type(request.line), _is_job(request))
        self._note(member.platform, seen, began)
        job_id = _job_id(seen)
        if request.deed is Deed.CANCEL:
            with contextlib.suppress(NotOfferedError):  # it is over already
                await person.press(seen, f"cancel:{job_id}")
                self.done["cancels pressed"] += 1
        end = await person.until(lambda seen: _is_over(seen, job_id))
        if not end.pictures:
            return
        if request.deed in ASKS:
            await self._press_for_job(member.platform, person, request, end, job_id)
        elif request.deed is Deed.INFO:
            await self._act(person, lambda: person.press(end, f"info:{job_id}"), lambda seen: _is_info(seen, job_id))
            self.done["infos pressed"] += 1

    async def _press_for_job(self, platform: str, person: Person, request: Request, end: Seen, job_id: int) -> None:
        """Press for one picture more, or for a variation of the last one, and wait for the end of that."""
        payload = f"again:{job_id}"
        if request.deed is Deed.VARY:
            payload = next(payload for payload in reversed(list(end.buttons)) if payload.startswith("vary:"))
        self.asked.append(request)
        self.done[f"{request.deed} pressed"] += 1
        began = time.time()
        seen = await self._act(person, lambda: person.press(end, payload), _is_job(request, after=job_id))
        self._note(platform, seen, began)
        new = _job_id(seen)
        await person.until(lambda seen: _is_over(seen, new))

    def _note(self, platform: str, seen: Seen, began: float) -> None:
        chat = seen.id.partition("/")[0]
        self.acknowledged.append(Acknowledgement(platform=platform, chat=chat, began=began, ended=time.time()))

    async def _act(self, person: Person, act: Callable[[], Coroutine[Any, Any, None]], is_it: IsIt) -> Seen:
        """Do something and wait for what comes of it."""
        await act()
        hands = getattr(person, "hands", None)
        if hands is None:
            return await person.until(is_it)
        failure = f"failed {hands.last.id}"
        try:
            async with asyncio.timeout(DISCORD_PATIENCE_S if self._is_forgiving else None):
                seen = await person.until(lambda seen: seen.id == failure or is_it(seen))
        except TimeoutError:
            raise NoAnswerError from None
        if seen.id == failure:
            raise NoAnswerError
        return seen


async def tire(switch: Path, dice: Random) -> None:
    """Let the card stand still now and then: so that a queue forms, and there is progress to be shown or cancelled."""
    while True:
        await asyncio.sleep(dice.uniform(*FAST_S))
        with _on(switch):
            await asyncio.sleep(dice.uniform(*SLOW_S))


@contextlib.contextmanager
def _on(switch: Path) -> Iterator[None]:
    switch.touch()
    try:
        yield
    finally:
        switch.unlink()


def _is_job(request: Request, after: int = 0) -> IsIt:
    """Ask for the message of a job of this request; of one that is newer than `after`."""
    return lambda seen: request.token in seen.text and _job_id(seen) > after


def _is_over(seen: Seen, job_id: int) -> bool:
    match = JOB.match(seen.text)
    return match is not None and int(match["id"]) == job_id and match["state"] in ("done", "cancelled", "failed")


def _is_info(seen: Seen, job_id: int) -> bool:
    return seen.text.startswith(f"Job {job_id}: done")


def _job_id(seen: Seen) -> int:
    match = JOB.match(seen.text)
    return 0 if match is None else int(match["id"])
