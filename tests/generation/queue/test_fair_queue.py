"""Does everyone who waits get the same share of the card, whatever they do and whatever happens?"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from generation.job import Gpu, Reason
from generation.queue.fair_queue import FairQueue
from generation.queue.speeds import Speeds
from tests.generation.one_card import (
    LOAD_S,
    MODELS,
    PLAIN,
    WINDOWED,
    Ask,
    Begin,
    BreakDown,
    Deed,
    Finish,
    OneCard,
    guess,
    thrifty,
)
from tests.generation.studio import job, request

ROUNDING_S = 0.001  # of an account, for each dispatch


def order(card: OneCard) -> list[int]:
    """Give the jobs in the order in which they were taken up."""
    return [job_id for job_id, _ in card.schedule]


def test_owners_take_turns_by_what_their_pictures_took() -> None:
    asks: list[Deed] = [Ask("ann", seconds=9), Ask("ann", seconds=9), *[Ask("bob", seconds=3)] * 6]

    card = OneCard().play(asks).drain()

    assert order(card) == [1, 3, 4, 5, 2, 6, 7, 8]


def test_jobs_of_one_owner_are_made_in_their_order() -> None:
    assert order(OneCard().play([Ask("ann", seconds=s) for s in (7, 1, 4)]).drain()) == [1, 2, 3]


def test_a_newcomer_is_next_although_others_have_waited_longer() -> None:
    card = OneCard().play([*[Ask("ann")] * 5, Begin(), Finish(), Begin(), Ask("bob")])

    card.drain()

    assert order(card) == [1, 2, 6, 3, 4, 5]


def test_idle_time_earns_no_credit_even_when_the_queue_ran_empty() -> None:
    long_use: list[Deed] = [Ask("ann", seconds=12), Begin(), Finish()] * 20

    card = OneCard().play(long_use).play([*[Ask("bob")] * 8, *[Ask("ann")] * 8]).drain()

    both = order(card)[20:]
    assert both == [21, 29, 22, 30, 23, 31, 24, 32, 25, 33, 26, 34, 27, 35, 28, 36]


def test_a_wrong_estimate_costs_nobody_anything() -> None:
    card = OneCard().play([*[Ask("ann")] * 3, Begin(), Ask("bob"), Finish(0.1), Begin(), Finish(), Begin(), Finish()])

    assert order(card) == [1, 4, 2]
    assert card.queue.virtual_time_ms("ann") == 5500
    assert card.queue.virtual_time_ms("bob") == 5000


def test_a_dispatch_that_broke_is_charged_to_nobody_and_made_next() -> None:
    card = OneCard().play([Ask("ann"), Ask("bob"), Begin(), BreakDown(), Begin(), Finish(), Begin(), Finish()])

    assert order(card) == [1, 1, 2]
    assert card.queue.virtual_time_ms("ann") == 5000


def test_a_broken_dispatch_comes_back_with_the_rest_of_its_job() -> None:
    card = OneCard().play([Ask("ann", images=4, seconds=10), Begin()])
    assert card.dispatch is not None

    (back,) = card.queue.fail(card.dispatch.id)

    assert back.missing == (0, 1, 2, 3)
    assert not card.queue.waits(back.id)


def test_a_dispatch_carries_what_it_may_and_never_less_than_a_picture() -> None:
    card = OneCard().play([Ask("ann", images=4, seconds=8), Ask("bob", images=2, seconds=25)]).drain()

    assert card.schedule == [(1, (0, 1)), (2, (0,)), (1, (2, 3)), (2, (1,))]


@pytest.mark.parametrize("names", list(permutations(("ann", "bob", "cem"))))
def test_names_do_not_matter(names: tuple[str, str, str]) -> None:
    first, second, third = names
    asks = [Ask(first), Ask(first), Ask(second, images=3), Ask(third, seconds=7), Ask(second), Ask(first)]

    assert order(OneCard().play(asks).drain()) == [1, 3, 4, 2, 6, 5]


def test_a_call_carries_pictures_of_several_people_where_that_pays() -> None:
    asks = [Ask("ann", images=2, seconds=4), Ask("bob", seconds=4), Ask("cem", seconds=9), Ask("dee", seconds=4)]

    alone, together = (OneCard(guess=each).play(asks).drain() for each in (guess, thrifty))

    assert [[share.job_id for share in call.shares] for call in alone.calls] == [[1], [2], [3], [4]]
    assert [[share.job_id for share in call.shares] for call in together.calls] == [[1, 2, 4], [3]]
    assert [share.places for share in together.calls[0].shares] == [(0, 1), (2,), (3,)]
    assert sum(together.served_s.values()) < sum(alone.served_s.values())


def test_each_pays_for_their_part_of_a_call() -> None:
    card = OneCard(guess=thrifty).play([Ask("ann", images=3, seconds=4), Ask("bob", seconds=4), Begin(), Finish()])

    assert [len(call.shares) for call in card.calls] == [2]
    assert card.queue.virtual_time_ms("ann") == 3 * card.queue.virtual_time_ms("bob")


def test_what_broke_in_company_is_made_alone() -> None:
    card = OneCard(guess=thrifty).play([Ask("ann", seconds=4), Ask("bob", seconds=4), Begin()])
    assert card.dispatch is not None
    for broken in card.queue.fail(card.dispatch.id):
        card.queue.put_back(replace(broken, attempts=1))
    card.dispatch = None

    card.drain()

    assert [[share.job_id for share in call.shares] for call in card.calls] == [[1, 2], [1], [2]]


def test_the_loaded_model_goes_first_within_the_window_and_not_beyond_it() -> None:
    asks = [Ask("ann", seconds=12), Ask("bob", seconds=12, model="flatter"), *[Ask("ann", seconds=12)] * 5]

    card = OneCard(WINDOWED).play(asks).drain()

    assert order(card) == [1, 3, 4, 2, 5, 6, 7]


def test_a_forecast_is_what_happens_if_nobody_else_comes() -> None:
    card = OneCard().play([Ask("ann", images=4, seconds=9), Ask("ann"), Ask("bob", seconds=7), Ask("bob"), Ask("cem")])

    forecasts = card.queue.snapshot_eta([card.gpu]).forecasts

    card.drain()
    starts = {job_id: number for number, (job_id, _) in reversed(list(enumerate(card.schedule)))}
    assert {told.job_id: told.runs_before for told in forecasts.values()} == starts
    assert [told.seconds for told in forecasts.values()] == sorted(told.seconds for told in forecasts.values())


def test_a_forecast_counts_what_is_left_of_the_dispatch_under_way() -> None:
    queue = FairQueue(Speeds(guess), PLAIN)
    queue.add(job(1, asked=request(steps=30)))
    queue.add(job(2, "bob"))
    queue.select(now_s=100.0)

    soon, late = (queue.snapshot_eta(now_s=now_s).forecasts[2] for now_s in (110.0, 200.0))

    assert (soon.job_id, soon.runs_before, soon.seconds) == (2, 1, 20.0 + LOAD_S)
    assert late.seconds == 0.0


def test_a_forecast_of_a_long_queue_leaves_the_far_end_out() -> None:
    queue = FairQueue(Speeds(guess), PLAIN)
    for job_id in range(1, 2001):
        queue.add(job(job_id))

    forecasts = queue.snapshot_eta([Gpu(resident=frozenset({"flat"}))]).forecasts

    assert list(forecasts) == list(range(1, 501))
    assert queue.waiting_count() == 2000


def test_a_switch_that_was_put_off_is_not_put_off_anew_when_its_call_breaks() -> None:
    here, other = MODELS[:2]
    queue = FairQueue(Speeds(guess), WINDOWED)
    queue.add(job(1, "ann", asked=request(model=other)))
    for number in range(2, 12):
        queue.add(job(number, "bob", asked=request(model=here)))
    warm = Gpu(resident=frozenset({here}))
    first = queue.select(warm, now_s=0.0)
    assert first is not None
    queue.complete(first.id, 1.0)
    late_s = WINDOWED.staleness * LOAD_S
    overdue = queue.select(warm, now_s=late_s)
    assert overdue is not None

    (back,) = queue.fail(overdue.id)
    queue.put_back(replace(back, attempts=1), now_s=late_s)

    again = queue.select(warm, now_s=late_s)
    assert again is not None
    assert (first.passed_over, overdue.reason, again.reason) == (1, Reason.OVERDUE, Reason.OVERDUE)
