"""Which dispatches are against the rules of the machine?"""

from __future__ import annotations

from collections.abc import Mapping

from generation.job import Dispatch, Share
from tests.simulator.records import Story
from tests.simulator.worlds import World


class ForbiddenCall(Exception):  # noqa: N818 - the referee's whistle, not a failure of the simulator
    """A policy dispatched what it may not."""


def check(dispatch: Dispatch, stories: Mapping[int, Story], world: World) -> None:
    """Stop the play at a call that no machine could make, or that makes what nobody waits for."""
    if not dispatch.shares:
        raise ForbiddenCall("a dispatch makes nothing")
    first = dispatch.shares[0].request
    pictures = sum(len(share.indexes) for share in dispatch.shares)
    most = world.models[first.model].most_at_once
    if not pictures == dispatch.size <= most:
        raise ForbiddenCall(f"a call of {dispatch.size} rows for {pictures} pictures, where {most} fit")
    for share in dispatch.shares:
        _check_share(share, stories)
        if _shape(share) != _shape(dispatch.shares[0]) or share.request.model != dispatch.model:
            raise ForbiddenCall(f"{_shape(share)} in one call with {_shape(dispatch.shares[0])}")
    if len({share.job_id for share in dispatch.shares}) < len(dispatch.shares):
        raise ForbiddenCall("a job has two shares in one call")


def _check_share(share: Share, stories: Mapping[int, Story]) -> None:
    story = stories[share.job_id]
    if not share.indexes or not set(share.indexes) <= story.waiting or len(set(share.indexes)) < len(share.indexes):
        raise ForbiddenCall(f"pictures {share.indexes} of a job of which {sorted(story.waiting)} wait")
    if share.request != story.job.request:
        raise ForbiddenCall("a request that nobody made")


def _shape(share: Share) -> tuple[str, int, int, int, float]:
    asked = share.request
    return asked.model, asked.width, asked.height, asked.num_inference_steps, asked.guidance_scale
