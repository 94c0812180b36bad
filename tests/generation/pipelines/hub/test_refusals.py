"""Is it said in words why a model cannot be fetched, before a byte of it comes wherever that can be known?"""

from __future__ import annotations

from pathlib import Path

import pytest

from generation import here
from generation.pipelines.hub.cache import cache_directory
from generation.pipelines.hub.checkpoint import find_checkpoint, find_part
from tests.generation.pipelines.hub.conftest import Fetched
from tests.generation.pipelines.local_hub import LocalHub, Repository, sha256
from tests.generation.remote_models import SIZE, WEIGHTS, put, remote_spec

PAGE = "https://hub.example/licence"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "shut is gated: accept its licence at {page}, then set HF_TOKEN to a token of that account."),
        (
            "other",
            (
                "shut is gated, and the account of your HF_TOKEN is not let in: accept its licence at {page} with that "
                "account, or wait until its makers have agreed."
            ),
        ),
        (
            "expired",
            "shut: the hub does not take the token in HF_TOKEN; make a new one at {hub}/settings/tokens, or unset it.",
        ),
    ],
)
def test_a_gated_model_says_what_is_missing_before_any_byte_is_fetched(
    hub: LocalHub, fetched: Fetched, tmp_path: Path, token: str, said: str
) -> None:
    put(hub, "shut", is_gated=True, let_in=("valid",))

    refusal = fetched(remote_spec(tmp_path, "shut", f'licence_url = "{PAGE}"'), HF_TOKEN=token)

    assert refusal == said.format(page=PAGE, hub=hub.address)
    assert not hub.served


def test_whoever_is_let_in_gets_a_gated_model_and_their_token_stays_with_the_hub(
    hub: LocalHub, fetched: Fetched, tmp_path: Path
) -> None:
    put(hub, "open", is_gated=True, let_in=("valid",))

    assert fetched(remote_spec(tmp_path, "open"), HF_TOKEN="valid") == ""

    assert hub.served[WEIGHTS] == SIZE
    assert hub.leaked == []


def test_a_component_of_another_repository_is_fetched_from_there_alone(
    hub: LocalHub, fetched: Fetched, tmp_path: Path
) -> None:
    put(hub, "body")
    language = {
        "config.json": b"{}",
        "model.safetensors": b"a language model",
        "tokenizer.json": b"{}",
        "original/consolidated.00.pth": b"a pickle",
        "LICENSE": b"words",
    }
    hub.repositories["studio/mind"] = Repository(language, is_gated=True, let_in=("valid",))
    places = {"text_encoder_4": "mind", "tokenizer_4": "mind", "colour": "elder"}
    line = ", ".join(f'{component} = "hub:studio/{name}"' for component, name in places.items())
    put(hub, "elder")
    body = remote_spec(tmp_path, "body", f"parts = {{ {line} }}")

    refusal = fetched(body)
    assert refusal.startswith(
        f"body needs studio/mind, which is gated: accept its licence at {hub.address}/studio/mind"
    )
    assert not hub.served

    assert fetched(body, HF_TOKEN="valid") == ""
    assert here([body]) == {"body"}
    assert (find_part(body, "text_encoder_4") / "model.safetensors").read_bytes() == b"a language model"
    assert (find_part(body, "colour") / Path(WEIGHTS).name).is_file()
    assert not (find_checkpoint(body)[0] / WEIGHTS).exists()
    assert hub.served[WEIGHTS] == SIZE
    assert not {"original/consolidated.00.pth", "LICENSE"} & set(hub.served)


def test_what_the_hub_does_not_have_is_said_in_words(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    put(hub, "old")
    put(hub, "pickled", {"colour/diffusion_pytorch_model.bin": b"a pickle"})
    del hub.repositories["studio/pickled"].files[WEIGHTS]  # type: ignore[attr-defined]
    hub.repositories["studio/bare"] = Repository({"README.md": b"nothing yet"})

    assert fetched(remote_spec(tmp_path, "none")) == (
        "none: there is no repository studio/none on the hub, or it is private and HF_TOKEN does not open it."
    )
    assert fetched(remote_spec(tmp_path, "old", 'revision = "v9"')) == "old: studio/old has no revision v9 on the hub."
    assert fetched(remote_spec(tmp_path, "pickled")) == (
        "pickled: studio/pickled holds no safetensors weights of colour, and others are not downloaded, since they can "
        "run code."
    )
    assert fetched(remote_spec(tmp_path, "bare")) == (
        "bare: studio/bare holds no model_index.json, so it is no model of diffusers."
    )


def test_a_model_whose_access_ends_during_the_download_says_so(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    put(hub, "shutting", is_gated=True, let_in=("valid",), withheld=(WEIGHTS,))

    refusal = fetched(remote_spec(tmp_path, "shutting"), HF_TOKEN="valid")

    assert refusal.startswith("shutting is gated, and the account of your HF_TOKEN is not let in: ")


def test_a_hub_that_stumbles_is_asked_again(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    put(hub, "stumbling")
    hub.is_down_for = 2

    assert fetched(remote_spec(tmp_path, "stumbling")) == ""


def test_a_hub_that_does_not_answer_is_said_in_words(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    put(hub, "silent")
    hub.is_down = True

    refusal = fetched(remote_spec(tmp_path, "silent"))

    hub.is_down = False
    assert refusal == (
        "silent cannot be downloaded: the hub cannot be reached, and the model is not whole in the local cache."
    )


def test_a_model_that_is_larger_than_the_disk_is_refused_before_its_weights_come(
    hub: LocalHub, fetched: Fetched, tmp_path: Path
) -> None:
    put(hub, "huge", announced={WEIGHTS: 10**16})

    refusal = fetched(remote_spec(tmp_path, "huge"))

    assert refusal.startswith("huge needs 10000000.0 GB of disk, but ")
    assert refusal.endswith(
        " GB are free, of which 2 GB are to be left over: make room, or set HF_HOME to a directory on a larger disk."
    )
    assert set(hub.served) <= {"model_index.json"}


def test_a_disk_that_becomes_full_keeps_what_has_come(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    found = put(hub, "stuffed")
    blobs = cache_directory() / "models--studio--stuffed" / "blobs"
    blobs.mkdir(parents=True)
    partial = blobs / f"{sha256(found[WEIGHTS])}.incomplete"
    partial.symlink_to("/dev/full")

    assert fetched(remote_spec(tmp_path, "stuffed")) == (
        "stuffed: the disk became full during the download. What has come is kept: make room and ask again, and it "
        "goes on from there."
    )

    partial.unlink()
    assert fetched(remote_spec(tmp_path, "stuffed")) == ""


def test_a_cache_that_cannot_be_written_is_said_without_naming_it(
    hub: LocalHub, fetched: Fetched, tmp_path: Path
) -> None:
    put(hub, "barred")
    (cache_directory() / "models--studio--barred").write_text("a file stands in the way")

    assert fetched(remote_spec(tmp_path, "barred")) == (
        "barred cannot be downloaded: the hub's cache cannot be written: Not a directory."
    )
