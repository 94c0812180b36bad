"""Is each step down the one that costs least of those that help, and is there an end to them?"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from generation import Phase, Placement, Precision, VramPlan
from generation.memory.experience import Concessions
from generation.memory.ladder import Rung, Shortage, next_step

BLOCKS = 20
WIDTHS = {Precision.BFLOAT16: 2.0, Precision.INT8: 1.0, Precision.NF4: 0.5}  # GiB that all blocks take
TEXT_GIB = 1.0


def plan_for(
    conceded: Concessions, *, share: float = 1.0, precision: Precision = Precision.BFLOAT16, keeps_text: bool = True
) -> VramPlan:
    """Place a model as a planner would that wants this much on the card, without what was conceded."""
    if not conceded.allows(precision):
        assert conceded.best_precision is not None
        precision = conceded.best_precision
    resident = min(round(share * BLOCKS), conceded.most_resident(BLOCKS))
    unet = Placement(
        part="unet",
        precision=precision,
        blocks=BLOCKS,
        resident_blocks=resident,
        resident_gib=WIDTHS[precision] * resident / BLOCKS,
        host_gib=WIDTHS[precision],
    )
    has_text = keeps_text and not conceded.is_alone
    text = Placement(
        part="text",
        precision=precision,
        blocks=4,
        resident_blocks=4 if has_text else 0,
        resident_gib=TEXT_GIB if has_text else 0.0,
        host_gib=TEXT_GIB,
    )
    resident_gib = unet.resident_gib + text.resident_gib
    return VramPlan(
        placements={"unet": unet, "text_encoder": text},
        tiled_decode=conceded.tiled_decode,
        encode_gib=resident_gib + 1.0,
        denoise_gib=resident_gib + 1.0,
        decode_gib=resident_gib + (1.0 if conceded.tiled_decode else 4.0),
        overhead_gib=0.5,
        predicted_seconds=1.0,
    )


def descend(
    phase: Phase,
    *,
    rows: int = 1,
    had_company: bool = False,
    planner: Callable[[Concessions], VramPlan | None] = plan_for,
) -> tuple[list[Rung], Concessions]:
    """Let one job run out of memory again and again, until nothing is left to give up."""
    conceded, taken = Concessions(), list[Rung]()
    while True:
        plan = planner(conceded)
        assert plan is not None
        shortage = Shortage(plan=plan, phase=phase, rows=rows, had_company=had_company and not conceded.is_alone)
        step = next_step(shortage, conceded, taken, planner)
        if step is None:
            return taken, conceded
        taken.append(step.rung)
        conceded = step.concessions
        rows = min(rows, conceded.most_rows or rows)


def test_a_decode_that_is_too_large_is_tiled_first_and_nothing_else_is() -> None:
    assert descend(Phase.DECODE)[0][0] is Rung.TILES
    assert Rung.TILES not in descend(Phase.DENOISE)[0]
    assert Rung.TILES not in descend(Phase.ENCODE)[0]


def test_a_job_climbs_down_all_rungs_in_their_order() -> None:
    taken, conceded = descend(Phase.DECODE, had_company=True)

    assert taken == [Rung.TILES, Rung.ALONE, Rung.RESIDENCY, Rung.PRECISION]
    assert conceded == Concessions(tiled_decode=True, is_alone=True, resident_share=0.8, best_precision=Precision.INT8)


def test_a_call_is_split_by_halves_before_anything_gets_slower_or_worse() -> None:
    taken, conceded = descend(Phase.DENOISE, rows=8)

    assert taken[:4] == [Rung.ROWS, Rung.ROWS, Rung.ROWS, Rung.ALONE]
    assert conceded.most_rows == 1


def test_rungs_that_change_nothing_are_left_out() -> None:
    taken, _ = descend(Phase.DENOISE, planner=lambda conceded: plan_for(conceded, keeps_text=False))

    assert taken == [Rung.RESIDENCY, Rung.PRECISION]


def test_where_nothing_can_be_moved_only_tiles_and_rows_are_given_up() -> None:
    def on_a_processor(conceded: Concessions) -> VramPlan:
        return plan_for(Concessions(tiled_decode=conceded.tiled_decode))

    assert descend(Phase.DECODE, planner=on_a_processor)[0] == [Rung.TILES]
    assert descend(Phase.DENOISE, planner=on_a_processor)[0] == []
    assert descend(Phase.DENOISE, planner=on_a_processor, rows=2)[0] == [Rung.ROWS]


def test_what_cannot_be_planned_is_no_step() -> None:
    def only_resident(conceded: Concessions) -> VramPlan | None:
        return plan_for(conceded) if conceded.resident_share == 1 else None

    assert descend(Phase.DENOISE, planner=only_resident)[0] == [Rung.ALONE, Rung.PRECISION]


@given(
    phase=st.sampled_from(Phase),
    rows=st.integers(1, 8),
    had_company=st.booleans(),
    share=st.floats(0, 1),
    precision=st.sampled_from(list(WIDTHS)),
    keeps_text=st.booleans(),
)
def test_every_descent_ends_and_each_step_is_strictly_lower(
    *, phase: Phase, rows: int, had_company: bool, share: float, precision: Precision, keeps_text: bool
) -> None:
    def planner(conceded: Concessions) -> VramPlan:
        return plan_for(conceded, share=share, precision=precision, keeps_text=keeps_text)

    taken, conceded = descend(phase, rows=rows, had_company=had_company, planner=planner)

    assert len(taken) <= len(Rung) + 2  # eight pictures are split three times
    assert conceded.most_rows == (1 if rows > 1 else None)
    others = [rung for rung in taken if rung is not Rung.ROWS]
    assert len(others) == len(set(others))
    before, after = planner(Concessions()), planner(conceded)
    assert after.gib(phase) < before.gib(phase) or set(taken) <= {Rung.ROWS, Rung.ALONE}
