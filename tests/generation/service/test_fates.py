"""Is of a call that broke only that made again which it did not make?"""

from __future__ import annotations

import pytest

from generation.job import Job, JobState
from generation.queue.fair_queue import FairQueue
from generation.queue.speeds import Speeds
from generation.service.fates import Fates
from tests.generation.one_card import PLAIN, guess
from tests.generation.studio import job, request


@pytest.fixture
def queue() -> FairQueue:
    """A queue for one card."""
    return FairQueue(Speeds(guess), PLAIN)


def broken(queue: FairQueue, fates: Fates, each: Job) -> tuple[Job, ...]:
    """Let a job's call begin and break."""
    fates.note(each)
    queue.add(each)
    dispatch = queue.select()
    assert dispatch is not None
    fates.take_off(dispatch)
    return queue.fail(dispatch.id)


def test_pictures_that_a_broken_call_still_gave_are_not_made_again(queue: FairQueue) -> None:
    fates = Fates(queue)
    lost = broken(queue, fates, job(1, asked=request(images=3)))

    fates.put_back(lost[0], {(1, 0), (1, 2), (7, 1)}, is_counted=True)

    again = queue.select()
    assert again is not None
    assert [share.indexes for share in again.shares] == [(1,)]


def test_a_job_of_which_a_broken_call_gave_all_pictures_is_done(queue: FairQueue) -> None:
    fates = Fates(queue)
    lost = broken(queue, fates, job(1, asked=request(images=2)))

    fates.put_back(lost[0], {(1, 0), (1, 1)}, is_counted=True)
    (end,) = fates.land(lost)

    assert getattr(end, "state", None) is JobState.DONE
    assert not queue.waiting_count()
