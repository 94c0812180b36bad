"""What do the tests of downloads share: a hub, and a process that fetches from it?"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.pool import Pool

import pytest

from generation import ModelLoadError, ModelSpec
from generation.pipelines.hub.fetch import Fetch
from generation.service.fetching import FetchSetup
from tests.generation.pipelines.local_hub import LocalHub
from tests.generation.remote_models import hub_of

Fetched = Callable[..., str]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    """A hub for all, whose repositories each test makes for itself."""
    with pytest.MonkeyPatch.context() as patch, hub_of(tmp_path_factory.mktemp("hub"), patch) as hub:
        yield hub


@pytest.fixture(scope="module")
def apart(hub: LocalHub) -> Iterator[Pool]:  # noqa: ARG001 - the library reads its address at its import
    """A process that was born after the hub."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


@pytest.fixture
def fetched(apart: Pool) -> Fetched:
    """Fetches a model and gives the reason if that fails."""
    return lambda spec, **environment: apart.apply(fetch, (spec, environment))


def fetch(spec: ModelSpec, environment: Mapping[str, str]) -> str:
    """Fetch a model under these variables."""
    os.environ.pop("HF_TOKEN", None)
    os.environ.update(environment)
    try:
        Fetch(FetchSetup(spec=spec, log_file="", report_s=1, first_pause_s=0.002)).run()
    except ModelLoadError as error:
        return str(error)
    return ""
