"""Does a replay of the past give what really happened, and under another policy what would have?"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation import ImagineRequest, Past, PastJob, Policy, Replay, play_again
from generation.queue.replay import ReplayedRun
from generation.queue.speeds import Guess, Speeds
from tests.conftest import MEASURED
from tests.generation.studio import request

DAY_S = 86_400
LOAD_S = {"flat": 5.0, "flatter": 10.0}


def guess(asked: ImagineRequest, card: str) -> Guess:
    """Let a picture take a second a step, half as long on a fast card, and two at once as long as two."""
    pace = 0.5 if card == "fast" else 1.0
    return Guess(picture_s=pace * asked.num_inference_steps, load_s=LOAD_S[asked.model], most_at_once=2)


def asked(
    owner: str = "ann", *, at: float = 0.0, seconds: int = 10, images: int = 1, model: str = "flat", took: float = 0.0
) -> PastJob:
    """Give a job that was asked for at a time, and whose pictures should have taken so many seconds each."""
    wanted = request(model=model, steps=seconds, images=images)
    return PastJob(owner=owner, request=wanted, arrived_s=at, expected_s=float(seconds), gpu_s=took)


def past(*jobs: PastJob) -> Past:
    return Past(jobs=sorted(jobs, key=lambda job: job.arrived_s), guess=guess)


def pasts() -> st.SearchStrategy[Past]:
    """Draw some days of four people, in which they come one by one and in bursts."""
    jobs = st.builds(
        asked,
        st.sampled_from(("ann", "bob", "cem", "dee")),
        at=st.floats(0, 300),
        seconds=st.integers(1, 30),
        images=st.integers(1, 4),
        model=st.sampled_from(("flat", "flatter")),
        took=st.one_of(st.just(0.0), st.floats(0.5, 200)),
    )
    return st.builds(lambda drawn: past(*drawn), st.lists(jobs, min_size=1, max_size=40))


def policies() -> st.SearchStrategy[Policy]:
    return st.builds(
        Policy,
        window_s=st.floats(0, 600),
        staleness=st.floats(0, 50),
        longest_dispatch_s=st.floats(1, 600),
        interactive_s=st.floats(0, 600),
    )


def cards() -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(("slow", "fast")), min_size=1, max_size=3).map(tuple)


def runs_on(played: Replay, gpu: int) -> list[ReplayedRun]:
    return [run for run in played.runs if run.gpu == gpu]


@settings(max_examples=200, deadline=None)
@given(pasts(), policies(), cards())
def test_everything_is_made_and_takes_what_it_took(days: Past, policy: Policy, there: tuple[str, ...]) -> None:
    played = play_again(days, policy=policy, cards=there)

    assert sorted(played.order) == list(range(len(days.jobs)))
    assert all(wait_s is not None and wait_s >= 0 for wait_s in played.waits_s)
    if there == ("slow",):
        took_s = sum(job.gpu_s or job.expected_s * job.request.images for job in days.jobs)
        assert sum(run.seconds for run in played.runs) == pytest.approx(took_s)


@settings(max_examples=200, deadline=None)
@given(pasts(), policies(), cards())
def test_no_card_idles_while_somebody_waits(days: Past, policy: Policy, there: tuple[str, ...]) -> None:
    played = play_again(days, policy=policy, cards=there)

    last_begun_s = {number: run.begins_s for run in played.runs for number in run.jobs}
    for gpu in range(len(there)):
        ends = [0.0, *(run.ends_s for run in runs_on(played, gpu))]
        begins = [*(run.begins_s for run in runs_on(played, gpu)), float("inf")]
        for idle_s, busy_s in zip(ends, begins, strict=True):
            for number, job in enumerate(days.jobs):
                assert max(idle_s, job.arrived_s) >= min(busy_s, last_begun_s[number])


@settings(max_examples=100, deadline=None)
@given(pasts(), policies(), cards())
def test_a_card_makes_one_call_at_a_time_and_nothing_before_it_was_asked_for(
    days: Past, policy: Policy, there: tuple[str, ...]
) -> None:
    played = play_again(days, policy=policy, cards=there)

    for gpu in range(len(there)):
        assert all(first.ends_s <= second.begins_s for first, second in pairwise(runs_on(played, gpu)))
    assert all(days.jobs[number].arrived_s <= run.begins_s for run in played.runs for number in run.jobs)


@settings(max_examples=50, deadline=None)
@given(pasts(), policies(), cards(), st.integers(1, 20))
def test_the_same_past_gives_the_same_replay(days: Past, policy: Policy, there: tuple[str, ...], quota: int) -> None:
    first, second = (play_again(days, policy=policy, cards=there, quota=quota) for _ in range(2))

    assert first == second


def days_of_a_crowd(seed: int, jobs: int = 300) -> Past:
    """Make up the jobs of twelve people, somewhat more than a card can make in time, always the same for a seed."""
    chance = random.Random(seed)
    drawn = [
        asked(
            f"member {chance.randrange(12)}",
            at=chance.uniform(0, 24 * jobs),
            seconds=chance.choice((5, 10, 20)),
            images=chance.randint(1, 4),
            model=chance.choice(("flat", "flatter")),
            took=chance.uniform(5, 60),
        )
        for _ in range(jobs)
    ]
    return past(*drawn)


def order_elsewhere(seed: int, hash_seed: str) -> str:
    """Give the order of a replay as another process finds it."""
    program = (
        "from generation import play_again\n"
        "from tests.generation.queue.test_replay import days_of_a_crowd\n"
        f"print(play_again(days_of_a_crowd({seed}), cards=('slow', 'fast')).order)"
    )
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_order_does_not_depend_on_how_a_process_hashes() -> None:
    here = str(play_again(days_of_a_crowd(7), cards=("slow", "fast")).order)

    assert {order_elsewhere(7, "1"), order_elsewhere(7, "2")} == {here}


def test_waits_are_counted_from_the_asking_to_the_start() -> None:
    played = play_again(past(asked("ann", at=100), asked("ann", at=103), asked("bob", at=104)))

    assert played.order == [0, 2, 1]
    assert played.waits_s == (0.0, 22.0, 11.0)  # 5 s of loading, then 10 s each


def test_jobs_take_what_they_really_took() -> None:
    played = play_again(past(asked(took=13), asked("bob", at=1, images=2, took=7), asked("cem", at=2)))

    assert [run.seconds for run in played.runs] == pytest.approx([13, 7, 10])


def test_what_was_made_in_a_batch_took_less_than_it_would_have_alone() -> None:
    def halves(wanted: ImagineRequest, card: str) -> Guess:
        return replace(guess(wanted, card), fixed_share=0.5)  # two at once take as long as one and a half

    alone = asked("ann", took=15)
    together = replace(asked("bob", at=1, took=7.5), rows=2)

    played = play_again(Past(jobs=(replace(alone, rows=1), together), guess=halves))

    assert [run.seconds for run in played.runs] == pytest.approx([15, 10])


def test_a_window_saves_loading_at_the_price_of_the_others_turns() -> None:
    jobs = [asked("ann", model="flat"), asked("bob", model="flatter")] * 10
    days = past(*jobs)

    strict, patient = (play_again(days, policy=Policy(window_s=window_s)) for window_s in (0, 60))

    assert strict.loads > 2 * patient.loads
    assert strict.busy_s > patient.busy_s
    assert sum(run.seconds for run in strict.runs) == pytest.approx(sum(run.seconds for run in patient.runs))


def test_models_stay_loaded_side_by_side_where_there_is_room() -> None:
    jobs = (asked("ann", model="flat"), asked("bob", model="flatter")) * 3

    crowded = play_again(Past(jobs=jobs, guess=guess, filling=lambda *_: 0.6), policy=Policy(window_s=0))
    roomy = play_again(Past(jobs=jobs, guess=guess, filling=lambda *_: 0.4), policy=Policy(window_s=0))

    assert (crowded.loads > 2, roomy.loads) == (True, 2)


def test_another_card_takes_what_would_have_waited() -> None:
    days = past(asked("ann"), asked("bob"))

    assert play_again(days, cards=("slow",)).waits_s == (0.0, 15.0)
    assert play_again(days, cards=("slow", "slow")).waits_s == (0.0, 0.0)


def test_who_has_a_larger_share_waits_less() -> None:
    days = past(*[asked("ann")] * 8, *[asked("bob")] * 8)

    played = play_again(replace(days, weights={"bob": 3.0}))

    bobs = [number for number in played.order[:8] if days.jobs[number].owner == "bob"]
    assert len(bobs) >= 5


def test_a_pause_earns_no_credit_in_a_replay_either() -> None:
    anns = [asked("ann", at=20 * number) for number in range(20)]
    rush = [asked(owner, at=400) for _ in range(4) for owner in ("bob", "ann")]
    days = past(*anns, *rush)

    order = play_again(days).order[20:]

    assert [days.jobs[number].owner for number in order[:6]] == ["bob", "ann"] * 3


def test_a_quota_refuses_what_is_beyond_it_until_midnight() -> None:
    noon = 20_000 * DAY_S + DAY_S / 2
    anns = [asked("ann", at=noon + hours * 3600, images=2) for hours in (0, 1, 2, 11.9, 12.1)]

    played = play_again(past(*anns, asked("bob", at=noon + 13 * 3600)), quota=4)

    assert [wait_s is None for wait_s in played.waits_s] == [False, False, True, True, False, False]


def test_a_quota_lets_a_smaller_job_in_where_a_larger_one_was_refused() -> None:
    played = play_again(past(asked(images=3), asked(at=1, images=2), asked(at=2)), quota=4)

    assert [wait_s is None for wait_s in played.waits_s] == [False, True, False]


def test_what_was_given_up_uses_no_quota() -> None:
    given_up = replace(asked(images=4, took=3), is_counted=False)

    assert play_again(past(given_up, asked(at=1, images=4)), quota=4).waits_s[1] is not None


def test_what_was_learned_counts_more_than_the_first_guess() -> None:
    speeds = Speeds(guess)
    learned = (speeds.learn_load(request(), 1.0), *[speeds.learn(request(steps=10), 1, 20.0) for _ in range(3)])
    days = past(asked(), asked("bob", at=1))

    played = play_again(replace(days, learned=learned))

    assert played.runs[0].load_s == 1.0
    assert played.waits_s == (0.0, 10.0)  # what was not measured took as long as was expected then


def test_jobs_of_which_nothing_is_known_take_what_such_jobs_take_now() -> None:
    unknown = replace(asked(seconds=8), expected_s=0.0)

    assert play_again(past(unknown)).runs[0].seconds == 8.0


@pytest.mark.slow
def test_as_many_jobs_as_are_ever_tried_take_some_seconds(record_property: Callable[[str, object], None]) -> None:
    began_s = time.process_time()

    played = play_again(days_of_a_crowd(1, jobs=20_000))

    took_s = time.process_time() - began_s
    record_property(MEASURED, f"a replay of 20,000 jobs, {len(played.runs):,} runs: {took_s:.1f} s of processor time")
    assert took_s < 10
