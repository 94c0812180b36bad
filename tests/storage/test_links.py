"""Are linked accounts one person, with one share, one history and one block, until they are parted?"""

from __future__ import annotations

import itertools

import pytest

from storage import AccountRecord, Database, History, Jobs, Members, Settings
from tests.storage.conftest import new_job, outcome

EVENTS = itertools.count()
PHONE, DESK, OTHER = "telegram:1", "discord:1", "discord:2"


@pytest.fixture
def members(database: Database) -> Members:
    """The members of the test's own database."""
    return Members(database)


async def person(members: Members, account: str) -> str:
    """Give the person that an account belongs to."""
    return (await members.links()).get(account, account)


async def linked(members: Members, whose: str) -> tuple[str, ...]:
    """Give the accounts that are linked to a person's."""
    return tuple(sorted(account for account, of in (await members.links()).items() if of == whose))


async def accept(jobs: Jobs, owner: str) -> int:
    """Keep a job of somebody."""
    return (await jobs.accept(f"event {next(EVENTS)}", new_job(owner=owner)))[0]


async def owners(jobs: Jobs) -> list[str]:
    """Give the owners of the jobs that wait, oldest first."""
    return [job.owner for job in await jobs.unfinished()]


async def test_an_account_is_its_own_person_until_it_is_linked(members: Members) -> None:
    assert await person(members, PHONE) == PHONE
    assert await linked(members, PHONE) == ()

    is_new = await members.link(PHONE, DESK)

    assert is_new
    assert [await person(members, account) for account in (PHONE, DESK, OTHER)] == [DESK, DESK, OTHER]
    assert (await linked(members, DESK), await linked(members, PHONE)) == ((PHONE,), ())


@pytest.mark.parametrize(("account", "into"), [(PHONE, PHONE), (PHONE, DESK), (DESK, PHONE), (OTHER, PHONE)])
async def test_one_person_is_not_linked_again(members: Members, account: str, into: str) -> None:
    await members.link(PHONE, DESK)
    await members.link(OTHER, DESK)

    assert not await members.link(account, into)
    assert await linked(members, DESK) == (OTHER, PHONE)


async def test_jobs_and_favourites_go_to_the_person(members: Members, jobs: Jobs, database: Database) -> None:
    history = History(database)
    mine, both, theirs = await accept(jobs, PHONE), await accept(jobs, PHONE), await accept(jobs, OTHER)
    desk = await accept(jobs, DESK)
    for account, job_id in ((PHONE, mine), (PHONE, both), (DESK, both), (OTHER, theirs)):
        await history.toggle_favourite(account, job_id)

    await members.link(PHONE, DESK)

    assert [job.id for job in (await history.page(DESK)).jobs] == [desk, both, mine]
    assert [job.id for job in (await history.page(DESK, is_favourite=True)).jobs] == [both, mine]
    assert (await history.page(PHONE)).jobs == (await history.page(PHONE, is_favourite=True)).jobs == ()
    assert [job.id for job in (await history.page(OTHER, is_favourite=True)).jobs] == [theirs]


async def test_a_job_that_an_account_asks_for_while_it_is_linked_is_the_persons(members: Members, jobs: Jobs) -> None:
    await members.link(PHONE, DESK)

    await accept(jobs, PHONE)

    assert await owners(jobs) == [DESK]


@pytest.mark.parametrize("larger", [PHONE, DESK])
async def test_the_larger_use_of_the_gpu_stays_and_the_persons_weight(
    members: Members, jobs: Jobs, larger: str
) -> None:
    for account, weight in ((PHONE, 0.5), (DESK, 2)):
        await jobs.move_account(account, 900 if account == larger else 200)
        await members.set_weight(account, weight)

    await members.link(PHONE, DESK)

    assert await members.accounts() == {DESK: AccountRecord(virtual_time_ms=900, weight=2)}


@pytest.mark.parametrize("blocked", [PHONE, DESK])
async def test_a_block_of_either_is_a_block_of_both(members: Members, blocked: str) -> None:
    await members.set_blocked(blocked, is_blocked=True)

    await members.link(PHONE, DESK)

    assert [await members.is_blocked(account) for account in (PHONE, DESK)] == [True, True]


async def test_what_an_admin_says_of_one_account_goes_for_the_person(members: Members) -> None:
    await members.link(PHONE, DESK)

    assert await members.set_blocked(PHONE, is_blocked=True)
    assert not await members.set_blocked(DESK, is_blocked=True)
    await members.set_weight(PHONE, 4)

    assert [await members.is_blocked(account) for account in (PHONE, DESK)] == [True, True]
    assert await members.accounts() == {DESK: AccountRecord(virtual_time_ms=0, weight=4)}
    assert await members.set_blocked(DESK, is_blocked=False)
    assert not await members.is_blocked(PHONE)


@pytest.mark.parametrize("into", [OTHER, "telegram:9"])
async def test_a_person_joins_another_with_all_their_accounts(members: Members, jobs: Jobs, into: str) -> None:
    await members.link("telegram:9", OTHER)
    await members.link(PHONE, DESK)
    await accept(jobs, PHONE)
    await jobs.move_account(DESK, 700)
    await members.set_blocked(DESK, is_blocked=True)

    assert await members.link(PHONE, into)

    assert await linked(members, OTHER) == (DESK, PHONE, "telegram:9")
    assert await owners(jobs) == [OTHER]
    assert [await person(members, account) for account in (PHONE, DESK)] == [OTHER, OTHER]
    assert await members.accounts() == {OTHER: AccountRecord(virtual_time_ms=700, weight=1)}
    assert await members.is_blocked("telegram:9")


async def test_a_charge_that_comes_after_the_link_is_the_persons_and_never_sets_them_back(
    members: Members, jobs: Jobs
) -> None:
    await jobs.move_account(DESK, 500)
    await members.link(PHONE, DESK)

    await jobs.settle((), virtual_times_ms={PHONE: 300})
    after_less = await members.accounts()
    await jobs.settle((), virtual_times_ms={PHONE: 800})

    assert after_less == {DESK: AccountRecord(virtual_time_ms=500, weight=1)}
    assert await members.accounts() == {DESK: AccountRecord(virtual_time_ms=800, weight=1)}


async def test_an_account_that_is_parted_starts_as_its_person_stands(members: Members, jobs: Jobs) -> None:
    await jobs.move_account(PHONE, 100)
    await members.link(PHONE, DESK)
    await accept(jobs, PHONE)
    await jobs.move_account(DESK, 900)
    await members.set_blocked(DESK, is_blocked=True)

    assert await members.unlink(PHONE) == DESK

    assert await person(members, PHONE) == PHONE
    assert await linked(members, DESK) == ()
    assert {key: account.virtual_time_ms for key, account in (await members.accounts()).items()} == {
        PHONE: 900,
        DESK: 900,
    }
    assert await members.is_blocked(PHONE)
    assert await owners(jobs) == [DESK]
    await accept(jobs, PHONE)
    assert await owners(jobs) == [DESK, PHONE]


async def test_a_parted_account_is_free_again_if_its_person_was_freed(members: Members) -> None:
    await members.set_blocked(PHONE, is_blocked=True)
    await members.link(PHONE, DESK)
    await members.set_blocked(DESK, is_blocked=False)

    await members.unlink(PHONE)

    assert not await members.is_blocked(PHONE)


@pytest.mark.parametrize(("own", "persons", "after"), [(0.5, 1, 0.5), (1, 0.5, 0.5), (1, 4, 1), (4, 2, 2)])
async def test_nobody_gains_weight_by_linking_and_parting(
    members: Members, own: float, persons: float, after: float
) -> None:
    await members.set_weight(PHONE, own)
    await members.set_weight(DESK, persons)
    await members.link(PHONE, DESK)

    await members.unlink(PHONE)
    await members.set_blocked(PHONE, is_blocked=True)  # whatever else is kept of it

    accounts = await members.accounts()
    assert {key: account.weight for key, account in accounts.items()} == {
        key: weight for key, weight in ((PHONE, after), (DESK, persons)) if weight != 1
    }


async def test_only_what_is_linked_is_parted_and_the_others_stay(members: Members) -> None:
    await members.link(PHONE, DESK)
    await members.link(OTHER, DESK)

    assert await members.unlink("discord:9") is None
    assert await members.unlink(PHONE) == DESK
    assert await members.unlink(PHONE) is None

    assert await linked(members, DESK) == (OTHER,)


async def test_an_account_that_gave_a_person_their_key_leaves_all_to_another(
    members: Members, jobs: Jobs, database: Database
) -> None:
    await members.link(PHONE, DESK)
    await members.link(OTHER, DESK)
    await jobs.move_account(DESK, 900)
    await members.set_weight(DESK, 2)
    job_id = await accept(jobs, DESK)
    await History(database).toggle_favourite(DESK, job_id)

    heir = await members.unlink(DESK)

    assert heir == OTHER
    assert await members.links() == {PHONE: OTHER}
    assert await owners(jobs) == [OTHER]
    assert [job.id for job in (await History(database).page(OTHER, is_favourite=True)).jobs] == [job_id]
    stands_as_before = AccountRecord(virtual_time_ms=900, weight=2)
    assert await members.accounts() == {DESK: stands_as_before, OTHER: stands_as_before}


@pytest.mark.parametrize("is_blocked", [True, False])
async def test_who_takes_a_persons_place_is_blocked_as_they_were_at_last(members: Members, *, is_blocked: bool) -> None:
    await members.set_blocked(PHONE, is_blocked=not is_blocked)
    await members.link(PHONE, DESK)
    await members.set_blocked(DESK, is_blocked=is_blocked)

    assert await members.unlink(DESK) == PHONE

    assert [await members.is_blocked(account) for account in (PHONE, DESK)] == [is_blocked] * 2


async def test_what_was_set_for_an_account_outlives_a_link(members: Members, database: Database) -> None:
    settings = Settings(database)
    for name in ("admin", "preferences"):
        await settings.put(name, "yes", scope=PHONE)

    await members.link(PHONE, DESK)
    await members.unlink(PHONE)

    assert [await settings.get(name, scope=PHONE) for name in ("admin", "preferences")] == ["yes", "yes"]
    assert await settings.get("admin", scope=DESK) is None


async def test_a_job_under_way_ends_after_its_account_was_linked(members: Members, jobs: Jobs) -> None:
    job_id = await accept(jobs, PHONE)
    await jobs.start(job_id)

    await members.link(PHONE, DESK)
    await jobs.settle([outcome(job_id)], virtual_times_ms={DESK: 1500})

    record = await jobs.get(job_id)
    assert record is not None
    assert (record.owner, record.state) == (DESK, "done")
