"""Is of a model fetched what it needs and nothing else, and each byte once, whatever goes wrong on the way?"""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import pytest

from generation import ModelLoadError, here
from generation.pipelines.hub.cache import cache_directory
from generation.pipelines.hub.checkpoint import find_checkpoint
from tests.generation.pipelines.hub.conftest import Fetched
from tests.generation.pipelines.local_hub import COMMIT, LocalHub, Repository, sha256
from tests.generation.remote_models import SIZE, UNWANTED, WEIGHTS, put, remote_spec


def test_what_a_model_needs_is_fetched_and_nothing_else(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    wanted = put(hub, "plain", UNWANTED)
    plain = remote_spec(tmp_path, "plain")

    assert here([plain]) == frozenset()
    assert fetched(plain) == ""

    assert here([plain]) == {"plain"}
    assert hub.served == {path: len(body) for path, body in wanted.items()}
    folder, revision = find_checkpoint(plain)
    assert revision == COMMIT
    assert {path: (folder / path).read_bytes() for path in wanted} == wanted


def test_the_hubs_own_library_finds_what_was_fetched(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    put(hub, "known")
    fetched(remote_spec(tmp_path, "known"))

    found = huggingface_hub.snapshot_download("studio/known", cache_dir=cache_directory(), local_files_only=True)
    blob = (Path(found) / WEIGHTS).resolve()

    assert Path(found) == find_checkpoint(remote_spec(tmp_path, "known"))[0]
    assert blob.name == sha256(blob.read_bytes())


def test_a_model_that_is_whole_in_the_cache_is_not_asked_for_again(
    hub: LocalHub, fetched: Fetched, tmp_path: Path
) -> None:
    put(hub, "twice")
    fetched(remote_spec(tmp_path, "twice"))
    calls = hub.calls

    assert fetched(remote_spec(tmp_path, "twice")) == ""

    assert hub.calls == calls


def test_a_shard_that_is_missing_makes_a_model_incomplete(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    shards = {f"colour/diffusion_pytorch_model-0000{n}-of-00002.safetensors": b"%d" % n for n in (1, 2)}
    places = {f"weight{n}": Path(name).name for n, name in enumerate(shards)}
    listed = json.dumps({"weight_map": places}).encode()
    found = put(hub, "sharded", {**shards, "colour/diffusion_pytorch_model.safetensors.index.json": listed})
    del hub.repositories["studio/sharded"].files[WEIGHTS]  # type: ignore[attr-defined]
    sharded = remote_spec(tmp_path, "sharded")
    fetched(sharded)
    assert here([sharded]) == {"sharded"}

    shard = find_checkpoint(sharded)[0] / next(iter(shards))
    shard.resolve().unlink()

    assert here([sharded]) == frozenset()
    with pytest.raises(ModelLoadError, match="sharded is not whole in the local cache: fairbrush download sharded"):
        find_checkpoint(sharded)
    assert fetched(sharded) == ""
    assert shard.read_bytes() == b"1"
    assert WEIGHTS in found


def test_a_connection_that_breaks_off_is_taken_up_at_the_very_byte(
    hub: LocalHub, fetched: Fetched, tmp_path: Path
) -> None:
    put(hub, "shaky")
    hub.cuts[WEIGHTS] = [1000, 1000, 200_000, 200_001, 399_999]  # the second comes to nothing

    assert fetched(remote_spec(tmp_path, "shaky")) == ""

    assert hub.served[WEIGHTS] == SIZE


def test_a_connection_that_goes_on_breaking_off_is_given_up_but_what_has_come_is_kept(
    hub: LocalHub, fetched: Fetched, tmp_path: Path
) -> None:
    put(hub, "lost")
    lost = remote_spec(tmp_path, "lost")
    hub.cuts[WEIGHTS] = [300_000] * 6

    assert fetched(lost) == (
        "lost: the connection to the hub broke off 5 times in a row. What has come is kept: ask again later, and the "
        "download goes on from there."
    )

    hub.cuts.clear()
    assert fetched(lost) == ""
    assert hub.served[WEIGHTS] == SIZE


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    put(hub, "simple")
    hub.cuts[WEIGHTS] = [100_000]
    hub.knows_ranges = False

    assert fetched(remote_spec(tmp_path, "simple")) == ""

    hub.knows_ranges = True
    assert hub.served[WEIGHTS] == 100_000 + SIZE


def test_what_came_damaged_is_fetched_anew_once(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    put(hub, "dented")
    put(hub, "ruined")
    hub.damaged[WEIGHTS] = 1
    assert fetched(remote_spec(tmp_path, "dented")) == ""
    assert hub.served[WEIGHTS] == 2 * SIZE

    hub.damaged[WEIGHTS] = 2
    assert fetched(remote_spec(tmp_path, "ruined")) == f"ruined cannot be downloaded: {WEIGHTS} came damaged 2 times."


def test_the_same_file_of_another_model_is_not_fetched_again(hub: LocalHub, fetched: Fetched, tmp_path: Path) -> None:
    first = put(hub, "elder")
    fetched(remote_spec(tmp_path, "elder"))
    hub.repositories["studio/twin"] = Repository(first | {"colour/config.json": b'{"_class_name": "Other"}'})
    hub.served.clear()

    assert fetched(remote_spec(tmp_path, "twin")) == ""

    assert set(hub.served) == {"model_index.json", "colour/config.json"}
    assert (find_checkpoint(remote_spec(tmp_path, "twin"))[0] / WEIGHTS).read_bytes() == first[WEIGHTS]
