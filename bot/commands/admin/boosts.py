"""How do admins let a job be served next, and how often may they?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Annotated

from bot.access import Access
from bot.chat import Call, CommandError, View
from bot.command import Argument, command
from bot.delivery import Delivery
from bot.values import job_number
from generation import Service
from storage import Boost, JobRecord, Jobs

HOUR_S, MINUTE_S = 3600, 60


class BoostAdmin:
    """The command that puts a job before all others. Its owner is charged as always."""

    def __init__(
        self, service: Service, jobs: Jobs, access: Access, delivery: Delivery, now: Callable[[], float] = time.time
    ) -> None:
        self._service = service
        self._jobs = jobs
        self._access = access
        self._delivery = delivery
        self._now = now

    @command("admin boost", "Let a waiting job be served next; it counts as its owner's GPU time.", is_admin=True)
    async def boost(self, call: Call, job_id: Annotated[int, Argument("ID", "12", job_number)]) -> View:
        """Boost a job, durably, as far as the policy allows it."""
        job = await self._access.visible_job(job_id, call)
        if job.boosted_ms is not None:
            raise CommandError(f"Job {job.id} was boosted already.")
        if not self._service.waits(job.id):
            raise CommandError(f"Job {job.id} does not wait: only a job that waits can be boosted.")
        now_s, most_s = self._now(), self._service.policy.boost_s_per_hour
        await self._jobs.boost(
            job.id,
            lambda boosts: check_room(job, boosts, most_s, now_s),
            since_ms=round(1000 * (now_s - HOUR_S)),
        )
        if not self._service.boost(job.id):
            raise CommandError(f"Job {job.id} is being made already.")
        self._delivery.refresh_waiting()
        return View(text=f"Job {job.id} is served next; it counts as its owner's GPU time, as always.")


def check_room(job: JobRecord, boosts: Sequence[Boost], most_s: float, now_s: float) -> None:
    """Let a job be boosted beside those that were within the last hour, oldest first.

    Raises:
        CommandError: they take too much GPU time together; the text says how much is left, and when there is room.
    """
    cost_s = job.images * job.expected_ms / 1000
    should = f"Job {job.id} should take {cost_s:.0f} s of GPU time"
    if cost_s > most_s:
        raise CommandError(f"{should}, and boosts may take no more than {most_s:g} s in an hour.")
    left_s = most_s - sum(boost.expected_ms for boost in boosts) / 1000
    if cost_s <= left_s:
        return
    freed_s, rest_s = left_s, 0.0
    for boost in boosts:
        freed_s, rest_s = freed_s + boost.expected_ms / 1000, boost.at_ms / 1000 + HOUR_S - now_s
        if cost_s <= freed_s:
            break
    rest_s = min(rest_s, HOUR_S)  # a boost that was kept a moment ago may be younger than `now_s`
    minutes = max(1, math.ceil(rest_s / MINUTE_S))
    raise CommandError(
        f"{should}, but of the {most_s:g} s that boosts may take in an hour {max(left_s, 0):.0f} s are left: "
        f"there is room for it in {minutes} min."
    )
