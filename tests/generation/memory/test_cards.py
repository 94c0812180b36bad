"""Is a card known by its name, however it is written, and one that is here by what the system says of it?"""

from __future__ import annotations

import pytest

from generation import Card, GenerationError, Precision, named_card
from generation.memory.cards import KNOWN_CARDS, Sighting, seen_card
from generation.pipelines.card import find_card, free_gib


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("RTX 4060", "RTX 4060 8 GB"),
        ("rtx4060", "RTX 4060 8 GB"),
        ("NVIDIA GeForce RTX 4060", "RTX 4060 8 GB"),
        ("4060", "RTX 4060 8 GB"),
        ("RTX 4060 8GB", "RTX 4060 8 GB"),
        ("RTX 4060 Ti", "RTX 4060 Ti 8 GB"),
        ("RTX 4060 Ti 16", "RTX 4060 Ti 16 GB"),
        ("rtx 4060ti 16 gb", "RTX 4060 Ti 16 GB"),
        ("RTX 4070 Super", "RTX 4070 Super 12 GB"),
        ("RTX 4070 Ti SUPER", "RTX 4070 Ti Super 16 GB"),
        ("RTX-4090", "RTX 4090 24 GB"),
        ("RTX 5090", "RTX 5090 32 GB"),
        ("RTX 3060 12", "RTX 3060 12 GB"),
        ("RTX 3060", "RTX 3060 12 GB"),
        ("DGX Spark", "DGX Spark 128 GB"),
        ("H100", "H100 80 GB"),
        ("a100 40gb", "A100 40 GB"),
        ("L40S", "L40S 48 GB"),
    ],
)
def test_a_card_is_found_however_its_name_is_written(text: str, title: str) -> None:
    assert named_card(text).name == title


@pytest.mark.parametrize("text", ["RTX 9999", "", "RTX", "RTX 4060 Ti 12", "4060 Super", "RTX 4090 RTX 4060"])
def test_a_card_that_is_not_known_hears_which_are(text: str) -> None:
    with pytest.raises(GenerationError) as refusal:
        named_card(text)

    assert str(refusal.value).startswith(f"There is no card {text!r} in the list: RTX 2060 6 GB, ")
    assert str(refusal.value).endswith("DGX Spark 128 GB, GB10 128 GB.")


@pytest.mark.parametrize("known", KNOWN_CARDS, ids=lambda known: known.title)
def test_each_card_answers_to_its_full_name_and_has_a_little_less_memory_than_that_says(known: object) -> None:
    card = named_card(known.title)  # type: ignore[attr-defined]

    gigabytes = int(card.name.split()[-2])
    assert card.name == known.title  # type: ignore[attr-defined]
    assert gigabytes * (0.8 if card.is_unified else 0.91) < card.memory_gib < gigabytes


def test_a_machine_leaves_four_gib_of_its_ram_to_the_system() -> None:
    assert named_card("RTX 4060").host.memory_gib == 28
    assert named_card("RTX 4060", ram_gib=16).host.memory_gib == 12
    assert named_card("RTX 4060", ram_gib=2).host.memory_gib == 0


def test_a_card_keeps_weights_in_what_its_generation_can() -> None:
    offered = {name: named_card(name).precisions for name in ("RTX 2080 Ti", "RTX 3080", "RTX 4060")}

    assert offered == {
        "RTX 2080 Ti": {Precision.FLOAT16},
        "RTX 3080": {Precision.BFLOAT16, Precision.INT8, Precision.NF4},
        "RTX 4060": {Precision.BFLOAT16, Precision.INT8, Precision.NF4, Precision.FP8},
    }


def seen(name: str, *, capability: tuple[int, int] = (8, 9), is_integrated: bool = False, **changes: object) -> Card:
    """Describe a card that torch tells of, in a machine where everything is installed."""
    facts = {
        "free_gib": 15.2,
        "available_ram_gib": 50.0,
        "processors": 34,
        "precisions": frozenset({Precision.INT8, Precision.NF4, Precision.FP8}),
    } | changes
    sighting = Sighting(
        device="cuda:0",
        name=name,
        capability=capability,
        is_integrated=is_integrated,
        **facts,  # type: ignore[arg-type]
    )
    return seen_card(sighting)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("NVIDIA GeForce RTX 4060 Ti", "RTX 4060 Ti"),
        ("NVIDIA GeForce RTX 4060 Laptop GPU", "RTX 4060"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("Tesla T4", "T4"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA L4", "L4"),
    ],
)
def test_a_card_that_is_here_is_as_fast_as_the_list_says_and_has_what_is_free(name: str, known: str) -> None:
    card, listed = seen(name), named_card(known)

    assert (card.tflops, card.transfer_gib_s, card.has_bfloat16) == (
        listed.tflops,
        listed.transfer_gib_s,
        listed.has_bfloat16,
    )
    assert (card.name, card.memory_gib, card.host.memory_gib) == (name, 15.2, 46)


def test_a_card_that_nobody_has_listed_is_judged_by_its_generation_and_processors() -> None:
    ada, ampere, turing = (seen("Nobody 1", capability=capability) for capability in ((8, 9), (8, 6), (7, 5)))

    assert (ada.has_fp8, ampere.has_fp8, turing.has_bfloat16) == (True, False, False)
    assert seen("Nobody 1", processors=68).tflops == 2 * ada.tflops
    assert seen("Nobody 1", capability=(9, 0)).tflops > ada.tflops


def test_where_card_and_ram_are_one_memory_what_is_available_counts_and_not_what_torch_calls_free() -> None:
    spark = seen("NVIDIA GB10", free_gib=41.0, available_ram_gib=115.0, capability=(12, 1))
    nobody = seen("Nobody 1", free_gib=41.0, available_ram_gib=60.0, is_integrated=True)

    assert (spark.is_unified, nobody.is_unified) == (True, True)
    assert spark.memory_gib == pytest.approx(97.75)
    assert nobody.memory_gib == pytest.approx(51)


def test_what_no_library_here_can_keep_weights_in_is_not_offered() -> None:
    assert seen("NVIDIA GeForce RTX 4090", precisions=frozenset()).precisions == {Precision.BFLOAT16}
    assert seen("Tesla T4", capability=(7, 5)).precisions == {Precision.FLOAT16}


def test_a_processor_offers_the_ram_that_is_free() -> None:
    card = find_card("cpu", precision=Precision.INT8, limit_gib=1)

    assert (card.device, card.is_gpu, card.precision) == ("cpu", False, None)
    assert card.memory_gib == pytest.approx(free_gib(), rel=0.2)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(
        GenerationError, match=r"There is no device cuda:7 here, torch finds \d+ GPUs: use auto or cpu\."
    ):
        find_card("cuda:7")
