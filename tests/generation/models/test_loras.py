"""Which adapters can be asked for: those whose files can be read, by name, for the models that they are made for."""

import json
import os
from pathlib import Path

import pytest

from generation import (
    Card,
    Catalogue,
    ImagineOptions,
    ImagineRequest,
    InvalidRequestError,
    Lora,
    LoraFile,
    UnreadableLora,
)
from generation.models.loras import LoraLibrary, shipped_loras
from tests.generation.lora_files import CROSS, DEMO, SDXL, kohya, lora_bytes, with_header, write_lora

CATALOGUE = Catalogue.load()


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """A catalogue with a folder of adapters, the tests' temporary one."""
    return Catalogue.load(loras=tmp_path)


def ask(catalogue: Catalogue, *loras: Lora, model: str = "demo") -> ImagineRequest:
    """Complete a request with adapters."""
    return catalogue.complete(ImagineOptions(prompt="a circle", loras=loras), default_model=model, seed=1)


def refusal(catalogue: Catalogue, *loras: Lora, model: str = "demo") -> str:
    """Give the sentence by which a request with adapters is refused."""
    with pytest.raises(InvalidRequestError) as error:
        ask(catalogue, *loras, model=model)
    return str(error.value)


def only(folder: Path) -> LoraFile | UnreadableLora:
    """Look at the one file of a folder."""
    (found,) = LoraLibrary(folder).all()
    return found


def reason(folder: Path, content: bytes) -> str:
    """Tell why a file with this content cannot be used."""
    (folder / "spoilt.safetensors").write_bytes(content)
    found = only(folder)
    assert isinstance(found, UnreadableLora)
    return found.reason


def test_the_one_that_ships_is_there_and_tells_all_about_itself() -> None:
    (found,) = LoraLibrary(shipped_loras()).all()

    assert isinstance(found, LoraFile)
    assert (found.name, found.title, found.licence) == ("outline", "Outline", "MIT")
    assert found.trigger_words == ("outline of",)
    assert found.base.title == "the demo model"
    assert not found.has_text_part
    assert [spec.name for spec in CATALOGUE if found.base.fits(spec)] == ["demo", "demo-fast"]


def test_a_file_that_an_admin_adds_counts_at_once_and_one_that_is_gone_does_not(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    assert "There is no --lora 'ink'" in refusal(catalogue, Lora("ink"))

    path = write_lora(tmp_path, "ink")

    assert ask(catalogue, Lora("ink")).loras == (Lora("ink"),)
    assert catalogue.loras.names == ("ink", "outline")
    path.unlink()
    assert "There is no --lora 'ink'" in refusal(catalogue, Lora("ink"))
    assert catalogue.loras.names == ("outline",)


def test_a_file_that_changed_is_read_again_and_has_another_hash(tmp_path: Path) -> None:
    library = LoraLibrary(tmp_path)
    path = write_lora(tmp_path, "ink", metadata={"modelspec.title": "Ink"})
    (before,) = library.weights([Lora("ink", 0.5)])

    write_lora(tmp_path, "ink", metadata={"modelspec.title": "Pen"})
    os.utime(path, ns=(1, 1))

    (after,) = library.weights([Lora("ink", 0.5)])
    assert library.get("ink").title == "Pen"
    assert before.sha256 != after.sha256
    assert str(after) == f"ink:0.5 {after.sha256}"
    assert len(after.sha256) == 12


def test_names_are_those_of_the_files_in_letters_that_can_be_typed(catalogue: Catalogue, tmp_path: Path) -> None:
    write_lora(tmp_path, "Old Ink, v1.5: wet")

    assert ask(catalogue, Lora("OLD-INK-V1.5-WET")).loras == (Lora("old-ink-v1.5-wet"),)


def test_a_file_of_ones_own_stands_before_one_that_ships(catalogue: Catalogue, tmp_path: Path) -> None:
    write_lora(tmp_path, "outline", metadata={"modelspec.title": "Mine"})

    assert catalogue.loras.get("outline").title == "Mine"
    assert catalogue.loras.names == ("outline",)


def test_what_is_no_safetensors_file_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "old.pt").write_bytes(b"a pickle")
    (tmp_path / "folder.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")

    library = LoraLibrary(tmp_path, tmp_path / "nowhere")

    assert library.all() == ()
    assert library.names == ()


DEEP = b"[" * 200_000
SPOILT = {
    "nothing": b"",
    "half of a length": b"\x07\0",
    "a length beyond its end": (10**15).to_bytes(8, "little") + b"{}",
    "a header that is no JSON": with_header(b"{'a': 1}"),
    "a header in no encoding": with_header(b'{"\xff": 1}'),
    "a header that is a list": with_header(b"[]"),
    "a deep header": with_header(DEEP),
    "metadata that are a number": with_header(b'{"__metadata__": 3}'),
    "a tensor without a shape": with_header(b'{"a": {"dtype": "F16", "data_offsets": [0, 0]}}'),
    "a shape of words": with_header(b'{"a": {"shape": ["x"], "data_offsets": [0, 0]}}'),
    "a place that is none": with_header(b'{"a": {"shape": [1], "data_offsets": []}}'),
    "an infinite place": with_header(b'{"a": {"shape": [1], "data_offsets": [0, Infinity]}}'),
}


@pytest.mark.parametrize("content", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_listed_as_one_and_does_no_harm(content: bytes, tmp_path: Path) -> None:
    assert reason(tmp_path, content).startswith("is no safetensors file")
    catalogue = Catalogue.load(loras=tmp_path)
    assert catalogue.loras.get("outline").title == "Outline"
    assert refusal(catalogue, Lora("spoilt")).startswith("--lora spoilt cannot be used: its file is no safetensors")
    assert catalogue.loras.names == ("outline",)


def test_a_header_larger_than_any_trainer_writes_is_not_read(tmp_path: Path) -> None:
    length = 16 * 2**20 + 1
    with (tmp_path / "vast.safetensors").open("wb") as file:
        file.write(length.to_bytes(8, "little"))
        file.truncate(length + 100)

    found = only(tmp_path)

    assert isinstance(found, UnreadableLora)
    assert found.reason == "is no safetensors file, or cut off"


def test_a_file_that_is_cut_off_is_told_by_its_length(tmp_path: Path) -> None:
    whole = lora_bytes(SDXL)

    assert (
        reason(tmp_path, whole[:-1])
        == f"is cut off or too long: it has {len(whole) - 1:,} bytes and should have {len(whole):,}"
    )


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        ("lora_unet_mid_block_attentions_0_proj_in.dora_scale", "DoRA"),
        ("lora_unet_mid_block_attentions_0_proj_in.hada_w1_a", "LoHa"),
        ("lora_unet_mid_block_attentions_0_proj_in.lokr_w1", "LoKr"),
    ],
)
def test_other_ways_to_change_a_model_are_named(tensor: str, kind: str, tmp_path: Path) -> None:
    assert reason(tmp_path, lora_bytes({**DEMO, tensor: (8, 8)})) == f"is a {kind}; only LoRAs are understood"


def test_a_whole_model_is_no_adapter(tmp_path: Path) -> None:
    assert reason(tmp_path, lora_bytes({"down_blocks.0.resnets.0.conv1.weight": (8, 8, 3, 3)})) == (
        "is a safetensors file, but no LoRA"
    )


def test_an_adapter_of_an_unknown_network_is_told_as_one(tmp_path: Path) -> None:
    content = lora_bytes({"model.layers.0.self_attn.q.lora_A.weight": (4, 64)})

    assert reason(tmp_path, content) == "changes no model that is known here"


def test_trigger_words_are_the_trainers_own_or_the_commonest_tags(tmp_path: Path) -> None:
    tags = {"10_ink": {"ink style": 40, "a cat": 3, "a dog": 7}, "1_more": {"ink style": 2, "a cat": 9}}
    for name, metadata in {
        "told": {"modelspec.trigger_phrase": "by  ink\n", "ss_tag_frequency": json.dumps(tags)},
        "counted": {"ss_tag_frequency": json.dumps(tags), "ss_output_name": "Ink_v1"},
        "odd": {"ss_tag_frequency": '{"10_ink": ["no", "counts"]}'},
        "mute": {},
    }.items():
        write_lora(tmp_path, name, metadata=metadata)
    library = LoraLibrary(tmp_path)

    found = {name: library.get(name).trigger_words for name in library.names}

    assert found == {"told": ("by ink",), "counted": ("ink style", "a cat", "a dog"), "odd": (), "mute": ()}
    assert library.get("counted").title == "Ink_v1"


def test_a_strangers_words_come_as_short_lines_without_control_characters(tmp_path: Path) -> None:
    write_lora(tmp_path, "ink", metadata={"modelspec.title": "a\x1b[31m\nb\u202e" + "c" * 500})

    title = LoraLibrary(tmp_path).get("ink").title

    assert title.isprintable()
    assert len(title) == 120


def test_ranks_and_parts_for_text_encoders_are_told(tmp_path: Path) -> None:
    text = {
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight": (16, 768),
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_B.weight": (768, 16),
    }
    write_lora(tmp_path, "both", {**SDXL, **text})
    write_lora(tmp_path, "one", SDXL)
    library = LoraLibrary(tmp_path)

    found = [(each.ranks, each.has_text_part) for each in map(library.get, ("both", "one"))]

    assert found == [((4, 16), True), ((4, 4), False)]
    assert [each.has_text_part for each in library.weights([Lora("both"), Lora("one")])] == [True, False]


def test_one_that_is_made_for_another_base_is_refused_with_what_it_fits(catalogue: Catalogue, tmp_path: Path) -> None:
    write_lora(tmp_path, "photo", SDXL)
    write_lora(tmp_path, "old", kohya({f"down_blocks.1.attentions.0.{CROSS}": (640, 768)}))

    said = [
        refusal(catalogue, Lora("outline"), model="sdxl"),
        *(refusal(catalogue, Lora(name)) for name in ("photo", "old")),
    ]

    assert said == [
        "--lora outline is made for the demo model, not for sdxl; it fits demo, demo-fast.",
        "--lora photo is made for SDXL, not for demo; it fits sdxl.",
        "--lora old is made for Stable Diffusion 1, not for demo; no model here has that base.",
    ]


def test_an_unknown_one_is_refused_with_the_nearest_and_all(catalogue: Catalogue, tmp_path: Path) -> None:
    write_lora(tmp_path, "ink")

    assert refusal(catalogue, Lora("outlin")) == (
        "There is no --lora 'outlin', the nearest is outline; LoRAs: ink, outline."
    )


@pytest.mark.parametrize(
    ("loras", "sentence"),
    [
        ([Lora("outline", 2.5)], "--lora outline:2.5 is out of range: a scale from -2 to 2 is allowed."),
        ([Lora("outline"), Lora("Outline", 0.5)], "--lora outline is given twice."),
        ([Lora(f"ink{n}") for n in range(5)], "--lora is given 5 times; at most 4 are allowed."),
    ],
)
def test_what_cannot_be_is_refused(loras: list[Lora], sentence: str, catalogue: Catalogue) -> None:
    assert refusal(catalogue, *loras) == sentence


def test_several_come_in_one_order_whichever_was_typed(catalogue: Catalogue, tmp_path: Path) -> None:
    write_lora(tmp_path, "ink")

    one, other = ask(catalogue, Lora("outline", -0.5), Lora("ink")), ask(catalogue, Lora("ink"), Lora("outline", -0.5))

    assert one == other
    assert one.loras == (Lora("ink"), Lora("outline", -0.5))
    assert ImagineRequest.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_a_plan_counts_the_bytes_of_the_adapters_that_act(catalogue: Catalogue, tmp_path: Path) -> None:
    write_lora(tmp_path, "large", SDXL | {"unet.down_blocks.1.attentions.0.proj_in.lora_A.weight": (2**16, 2**12)})
    card = Card(device="cuda:0", name="A card", memory_gib=24)

    plain, with_it, without_it = (
        catalogue.plan(ask(catalogue, *loras, model="sdxl"), card).denoise_gib
        for loras in ([], [Lora("large")], [Lora("large", 0.0)])
    )

    assert with_it == pytest.approx(plain + 0.5, abs=0.02)
    assert without_it == plain
