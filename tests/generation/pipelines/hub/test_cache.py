"""Is the cache found where the hub's own library has it?"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import reload
from multiprocessing.pool import Pool

import huggingface_hub.constants
import pytest

from generation.pipelines.hub.cache import cache_directory

CACHES = ("XDG_CACHE_HOME", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"XDG_CACHE_HOME": "/a"},
        {"HF_HOME": "~/b", "XDG_CACHE_HOME": "/a"},
        {"HUGGINGFACE_HUB_CACHE": "/c", "HF_HOME": "/b"},
        {"HF_HUB_CACHE": "$HOME/d", "HUGGINGFACE_HUB_CACHE": "/c"},
    ],
)
def test_the_cache_is_where_the_hubs_own_library_has_it(
    apart: Pool, monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]
) -> None:
    for name in CACHES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert str(cache_directory()) == apart.apply(library_cache, (environment,))


def library_cache(environment: Mapping[str, str]) -> str:
    """Tell where the hub's own library keeps its files under these variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CACHES:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        return str(reload(huggingface_hub.constants).HF_HUB_CACHE)
