"""Are settings of several scopes read at once, and changed at once or not at all?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from storage import Database, Settings

SCOPES = ("discord:1", "telegram:2")


@pytest.fixture
def settings(database: Database) -> Settings:
    """The settings of the test's own database."""
    return Settings(database)


async def test_a_setting_is_read_in_some_scopes(settings: Settings) -> None:
    for scope in ("discord:1", "discord:role:5", "discord:2"):
        await settings.put("limits", f"of {scope}", scope=scope)
    await settings.put("weight", "2", scope="discord:1")

    assert await settings.among("limits", ("discord:1", "discord:role:5", "telegram:2")) == {
        "discord:1": "of discord:1",
        "discord:role:5": "of discord:role:5",
    }
    assert await settings.among("limits", ()) == {}


async def test_a_change_makes_one_value_for_all_scopes_of_those_that_they_have(settings: Settings) -> None:
    await settings.put("limits", "a", scope="discord:1")
    await settings.put("limits", "b", scope="discord:2")
    seen: list[Mapping[str, str]] = []

    def change(kept: Mapping[str, str]) -> str:
        seen.append(kept)
        return "c"

    await settings.change("limits", SCOPES, change)

    assert seen == [{"discord:1": "a"}]
    assert await settings.all("limits") == {"discord:1": "c", "telegram:2": "c", "discord:2": "b"}


async def test_a_change_to_nothing_forgets_the_setting(settings: Settings) -> None:
    await settings.put("limits", "a", scope="discord:1")

    await settings.change("limits", SCOPES, lambda _: None)

    assert await settings.all("limits") == {}


async def test_changes_at_the_same_time_lose_nothing(settings: Settings) -> None:
    def count(kept: Mapping[str, str]) -> str:
        return f"{int(kept.get('discord:1', '0')) + 1}"

    await asyncio.gather(*(settings.change("limits", SCOPES, count) for _ in range(20)))

    assert await settings.all("limits") == {"discord:1": "20", "telegram:2": "20"}


async def test_a_change_that_breaks_leaves_all_as_it_was(settings: Settings) -> None:
    await settings.put("limits", "a", scope="discord:1")

    def refuse(kept: Mapping[str, str]) -> str:
        raise LookupError(kept)

    with pytest.raises(LookupError):
        await settings.change("limits", SCOPES, refuse)

    assert await settings.all("limits") == {"discord:1": "a"}
