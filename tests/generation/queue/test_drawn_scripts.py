"""Does the fair queue keep its promises whatever people and the card do, in scripts that are drawn by chance?"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generation.one_card import (
    LONGEST_DISPATCH_S,
    MODELS,
    OWNERS,
    WINDOWED,
    Ask,
    Begin,
    BreakDown,
    Deed,
    GiveUp,
    OneCard,
    scripts,
    thrifty,
)
from tests.generation.studio import job

ROUNDING_S = 0.001  # of an account, for each dispatch


def order(card: OneCard) -> list[int]:
    """Give the jobs in the order in which they were taken up."""
    return [job_id for job_id, _ in card.schedule]


def _widest_gap_s(card: OneCard, one: str, other: str) -> float:
    """Give the most by which two owners ever differed over a time in which both waited all along."""
    widest = 0.0
    lead: list[float] = []
    for waiting, served_s in card.moments:
        if {one, other} <= waiting:
            lead.append(served_s.get(one, 0.0) - served_s.get(other, 0.0))
            widest = max(widest, max(lead) - min(lead))
        else:
            lead = []
    return widest


@settings(max_examples=300)
@given(script=scripts(), learns=st.booleans())
def test_two_who_keep_waiting_never_differ_by_more_than_two_dispatches(*, script: list[Deed], learns: bool) -> None:
    card = OneCard(learns=learns).play(script).drain()

    for one, other in combinations(OWNERS, 2):
        assert _widest_gap_s(card, one, other) <= 2 * card.longest_s + ROUNDING_S * len(card.schedule)


@settings(max_examples=300)
@given(script=scripts(*MODELS), learns=st.booleans())
def test_with_switches_and_batches_they_never_differ_by_more_than_two_windows_besides(
    *, script: list[Deed], learns: bool
) -> None:
    card = OneCard(WINDOWED, thrifty, learns=learns).play(script).drain()

    bound_s = 2 * (WINDOWED.window_s + card.longest_s) + ROUNDING_S * len(card.schedule)
    for one, other in combinations(OWNERS, 2):
        assert _widest_gap_s(card, one, other) <= bound_s


@given(scripts(*MODELS))
def test_everything_asked_for_is_made_once_or_was_given_up(script: list[Deed]) -> None:
    kept = [deed for deed in script if not isinstance(deed, BreakDown)]

    card = OneCard(WINDOWED, thrifty).play(kept).drain()

    made = [(job_id, index) for job_id, indexes in card.schedule for index in indexes]
    assert card.jobs == {}
    assert len(made) == len(set(made))
    if not any(isinstance(deed, GiveUp) for deed in kept):
        assert len(made) == sum(deed.images for deed in kept if isinstance(deed, Ask))


@given(scripts())
def test_the_accounts_hold_no_more_than_what_was_measured(script: list[Deed]) -> None:
    card = OneCard().play(script).drain()

    highest_ms = max((card.queue.virtual_time_ms(owner) for owner in OWNERS), default=0)
    assert highest_ms <= 1000 * sum(card.served_s.values()) + len(card.schedule)
    for owner, served_s in card.served_s.items():
        assert card.queue.virtual_time_ms(owner) >= 1000 * served_s - len(card.schedule)


@given(scripts())
def test_no_dispatch_is_longer_than_allowed_unless_one_picture_is(script: list[Deed]) -> None:
    card = OneCard(WINDOWED, thrifty).play(script).drain()

    for call in card.calls:
        assert call.size == 1 or thrifty(call.shares[0].request).run_s(call.size) <= LONGEST_DISPATCH_S


@given(scripts(), st.permutations(OWNERS))
def test_other_names_give_the_same_schedule(script: list[Deed], names: list[str]) -> None:
    other = dict(zip(OWNERS, names, strict=True))
    renamed = [replace(deed, owner=other[deed.owner]) if isinstance(deed, Ask) else deed for deed in script]

    assert OneCard().play(renamed).drain().schedule == OneCard().play(script).drain().schedule


@given(scripts(), st.integers(0, 60), st.sampled_from(OWNERS))
def test_a_job_that_is_given_up_before_it_starts_is_as_if_it_had_never_been(
    script: list[Deed], at: int, owner: str
) -> None:
    without, with_it = OneCard().play(script[:at]), OneCard().play(script[:at])

    with_it.queue.add(job(10_000, owner))
    with_it.queue.cancel(10_000)

    assert with_it.play(script[at:]).drain().schedule == without.play(script[at:]).drain().schedule


@given(scripts(), st.integers(0, 60))
def test_a_restart_changes_nobodys_turn(script: list[Deed], at: int) -> None:
    running = OneCard().play(script[:at])
    restarted = running.restarted()
    running.do(BreakDown())  # what a restart makes of the dispatch under way

    assert restarted.play(script[at:]).drain().schedule == running.play(script[at:]).drain().schedule


@given(scripts(), st.integers(0, 60))
@settings(max_examples=50)
def test_a_dispatch_that_breaks_is_as_if_it_had_never_begun(script: list[Deed], at: int) -> None:
    smooth, broken = OneCard().play(script[:at]), OneCard().play(script[:at])
    if smooth.dispatch is None:
        broken.do(Begin())
        broken.do(BreakDown())
        broken.schedule = list(smooth.schedule)

    assert broken.play(script[at:]).drain().schedule == smooth.play(script[at:]).drain().schedule
