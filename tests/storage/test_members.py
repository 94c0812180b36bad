"""Are blocks, accounts and what admins set kept?"""

from __future__ import annotations

from pathlib import Path

from storage import AccountRecord, Database, Jobs, Members, Settings


async def test_a_member_is_blocked_and_unblocked_once(database: Database) -> None:
    members = Members(database)

    assert not await members.is_blocked("discord:1")
    assert await members.set_blocked("discord:1", is_blocked=True)
    assert not await members.set_blocked("discord:1", is_blocked=True)
    assert await members.is_blocked("discord:1")
    assert not await members.is_blocked("discord:2")
    assert await members.set_blocked("discord:1", is_blocked=False)
    assert not await members.is_blocked("discord:1")


async def test_a_block_leaves_the_account_alone(database: Database, jobs: Jobs) -> None:
    members = Members(database)
    await jobs.move_account("discord:1", 700)

    await members.set_blocked("discord:1", is_blocked=True)
    await members.set_weight("discord:1", 2)
    await jobs.move_account("discord:1", 800)

    assert await members.is_blocked("discord:1")
    assert await members.accounts() == {"discord:1": AccountRecord(virtual_time_ms=800, weight=2)}


async def test_only_accounts_that_were_charged_or_weigh_more_or_less_are_listed(database: Database) -> None:
    members = Members(database)
    await members.set_blocked("discord:1", is_blocked=True)
    await members.set_weight("discord:2", 0.5)
    await members.set_weight("discord:3", 4)
    await members.set_weight("discord:3", 1)

    assert await members.accounts() == {"discord:2": AccountRecord(virtual_time_ms=0, weight=0.5)}


async def test_settings_are_kept_by_scope_and_over_a_restart(tmp_path: Path) -> None:
    async with Database(tmp_path / "fairbrush.db") as database:
        settings = Settings(database)
        await settings.put("default_model", "demo")
        await settings.put("default_model", "sdxl", scope="discord:guild:1")
        await settings.put("default_model", "demo-fast", scope="discord:guild:1")
        await settings.put("paused", "yes")
        await settings.remove("paused")
        await settings.remove("never there")

    async with Database(tmp_path / "fairbrush.db") as database:
        settings = Settings(database)
        assert await settings.get("default_model") == "demo"
        assert await settings.get("default_model", scope="discord:guild:1") == "demo-fast"
        assert await settings.get("default_model", scope="telegram:1") is None
        assert await settings.get("paused") is None


async def test_a_setting_is_listed_with_all_its_scopes(database: Database) -> None:
    settings = Settings(database)
    for scope, value in (("discord:1", "yes"), ("discord:role:5", "no"), ("", "yes")):
        await settings.put("admin", value, scope=scope)
    await settings.put("model", "demo", scope="discord:1")

    assert await settings.all("admin") == {"discord:1": "yes", "discord:role:5": "no", "": "yes"}
    assert await settings.all("never there") == {}
