"""Is what models share counted once, and does the one leave that is cheapest to have back?"""

from __future__ import annotations

import pytest

from generation import Placement, Precision, VramPlan
from generation.memory.occupancy import Stay, first_to_go, in_ram_gib, on_card_gib, running_gib


def placed(part: str, gib: float, *, host_gib: float = 0.0, precision: Precision = Precision.INT8) -> Placement:
    """Place a component wholly on the card."""
    return Placement(
        part=part, precision=precision, blocks=1, resident_blocks=1, resident_gib=gib, host_gib=host_gib or gib
    )


def planned(*placements: Placement, working_gib: float = 1.0) -> VramPlan:
    """Plan a model of these components; it works with so much more."""
    resident_gib = sum(placement.resident_gib for placement in placements)
    return VramPlan(
        placements={f"component {number}": placement for number, placement in enumerate(placements)},
        tiled_decode=False,
        encode_gib=resident_gib,
        denoise_gib=resident_gib + working_gib,
        decode_gib=resident_gib,
        overhead_gib=0.5,
        predicted_seconds=1.0,
    )


def test_parts_in_common_count_once_where_they_are_kept_alike() -> None:
    t5, t5_precise = placed("t5", 5), placed("t5", 9, precision=Precision.BFLOAT16)
    dev, schnell, hidream = planned(placed("dev", 11), t5), planned(placed("schnell", 11), t5), planned(t5_precise)

    assert on_card_gib([dev, schnell]) == 27
    assert on_card_gib([dev, hidream]) == 25
    assert in_ram_gib([dev, dev]) == 16


def test_of_a_part_that_lies_in_two_ways_the_larger_one_counts() -> None:
    assert on_card_gib([planned(placed("t5", 5)), planned(placed("t5", 0, host_gib=5))]) == 5


def test_only_the_model_that_runs_needs_room_to_work() -> None:
    assert running_gib(planned(placed("one", 4), working_gib=3), [planned(placed("other", 6), working_gib=9)]) == 13


@pytest.mark.parametrize(
    ("old_gib", "leaves"),
    [
        (1, "old"),
        (5, "old"),
        (40, "new"),  # worth keeping, though nobody has asked for it for a while
    ],
)
def test_what_was_not_used_for_long_and_is_soon_back_leaves_first(old_gib: float, leaves: str) -> None:
    stays = {
        "old": Stay(plan=planned(placed("old", old_gib)), last_call=4),
        "new": Stay(plan=planned(placed("new", 5)), last_call=9),
    }

    assert first_to_go(stays, 10, on_card_gib) == leaves


def test_in_the_end_even_the_largest_model_leaves() -> None:
    stays = {
        "large": Stay(plan=planned(placed("large", 40)), last_call=1),
        "small": Stay(plan=planned(placed("small", 2)), last_call=99),
    }

    assert first_to_go(stays, 100, on_card_gib) == "large"


def test_a_model_of_which_all_is_shared_gives_nothing_back_and_costs_nothing() -> None:
    t5 = placed("t5", 9)
    stays = {
        "words": Stay(plan=planned(t5), last_call=9),
        "pictures": Stay(plan=planned(t5, placed("pictures", 1)), last_call=1),
    }

    assert first_to_go(stays, 10, on_card_gib) == "words"
