"""Is a request guessed by the plan that it has on the card, before anything was measured there?"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from generation import Card, Catalogue, Guesses, Learned, Phase, named_card
from generation.memory.experience import Concessions, Experience, Experiences

CATALOGUE = Catalogue.load()
REQUEST = CATALOGUE.default_request(CATALOGUE.get("flux-dev"))
RTX_4060 = named_card("RTX 4060")


def guesses(*cards: Card, experiences: Experiences | None = None) -> Guesses:
    """Give those for cards that were seen."""
    found = Guesses(CATALOGUE, experiences or Experiences())
    for card in cards:
        found.note(card)
    return found


def test_a_picture_takes_on_a_card_what_its_plan_predicts() -> None:
    h100 = named_card("H100")
    found = guesses(RTX_4060, h100)

    for card in (RTX_4060, h100):
        assert found(REQUEST, card.name).picture_s == CATALOGUE.plan(REQUEST, card).predicted_seconds
    assert found(REQUEST, RTX_4060.name).picture_s > 20 * found(REQUEST, h100.name).picture_s


def test_fewer_steps_are_guessed_to_take_less() -> None:
    found = guesses(RTX_4060)

    few = found(replace(REQUEST, num_inference_steps=7), RTX_4060.name).picture_s

    assert few < 0.4 * found(REQUEST, RTX_4060.name).picture_s


def test_a_card_that_nobody_has_seen_makes_one_picture_at_a_time_as_slowly_as_a_small_one() -> None:
    guess = guesses()(REQUEST, "Nobody 1")

    assert (guess.most_at_once, guess.wake_s) == (1, math.inf)
    assert 60 < guess.picture_s < 200


def test_a_processor_takes_what_the_entry_says() -> None:
    demo = CATALOGUE.get("demo")
    asked = CATALOGUE.default_request(demo)
    processor = Card(device="cpu", name="a processor", memory_gib=16)

    assert guesses(processor)(asked, processor.name).picture_s == pytest.approx(20 * demo.seconds_per_step)


def test_what_a_card_was_taught_since_is_in_the_next_guess() -> None:
    experiences = Experiences()
    found = guesses(named_card("H100"), experiences=experiences)
    before = found.filling(REQUEST, "H100 80 GB")

    taught = experiences.note(
        REQUEST, "H100 80 GB", Experience(concessions=Concessions(is_alone=True), corrections={Phase.DECODE: 2.0})
    )

    assert isinstance(taught, Learned)
    assert found.filling(REQUEST, "H100 80 GB") != before
