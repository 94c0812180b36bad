"""What the demo model learns from, and what is kept from it."""

import numpy as np
from PIL import Image

from generation.demo import tokenizer
from generation.demo.captions import caption, vocabulary
from generation.demo.scenes import COLOURS, HELD_OUT, SHAPES, draw, is_held_out, random_scene


def test_no_training_scene_holds_a_pair_that_is_held_out() -> None:
    draws = np.random.default_rng(1)

    scenes = [random_scene(draws) for _ in range(3000)]

    assert not any(is_held_out(scene) for scene in scenes)
    pairs = {(thing.colour, thing.shape) for scene in scenes for thing in scene.things}
    assert len(pairs) == len(COLOURS) * len(SHAPES) - len(HELD_OUT)


def test_each_held_out_colour_and_shape_is_seen_in_other_company() -> None:
    for colour, shape in HELD_OUT:
        assert any((colour, other) not in HELD_OUT for other in SHAPES)
        assert any((other, shape) not in HELD_OUT for other in COLOURS)


def test_things_and_ground_never_have_the_same_colour() -> None:
    draws = np.random.default_rng(2)

    scenes = [random_scene(draws, held_out=None) for _ in range(1000)]

    assert all(
        len({scene.ground, *(thing.colour for thing in scene.things)}) == 1 + len(scene.things) for scene in scenes
    )


def test_nothing_is_cut_off_by_the_edge() -> None:
    draws = np.random.default_rng(7)

    for _ in range(300):
        scene = random_scene(draws)
        picture = np.asarray(draw(scene, 256, 256))
        rim = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        assert (rim == COLOURS[scene.ground]).mean() > 0.97, scene


def test_every_word_of_a_caption_is_one_token() -> None:
    words = tokenizer.build()

    assert [word for word in vocabulary() if len(words.tokenize(word)) != 1] == []


def test_captions_use_no_word_outside_the_vocabulary() -> None:
    draws = np.random.default_rng(3)
    known = set(vocabulary())

    said = {word for _ in range(2000) for word in caption(random_scene(draws), draws).replace(",", " ").split()}

    assert said <= known


def test_any_text_at_all_becomes_tokens() -> None:
    words = tokenizer.build()

    ids = words(["a 🐈 in größter Höhe, נחמד", "", "x" * 5000], padding="max_length", truncation=True).input_ids

    assert {len(row) for row in ids} == {tokenizer.LONGEST}
    assert words.unk_token_id not in ids[0][1:8]


def test_a_scene_is_drawn_at_the_size_that_is_asked_for() -> None:
    picture = draw(random_scene(np.random.default_rng(4)), 256, 192)

    assert isinstance(picture, Image.Image)
    assert picture.size == (256, 192)
