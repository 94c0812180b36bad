"""Is what was offered in place of a request still there when its button is pressed?"""

from __future__ import annotations

from pathlib import Path

from storage import Database, OfferRecord, Offers

DAY_S = 24 * 3600


async def test_an_offer_outlives_a_restart(tmp_path: Path) -> None:
    async with Database(tmp_path / "fairbrush.db") as database:
        number = await Offers(database).keep({"prompt": "a star"}, is_spoiler=True)

    async with Database(tmp_path / "fairbrush.db") as database:
        found = await Offers(database).get(number)

    assert found == OfferRecord(request={"prompt": "a star"}, is_spoiler=True)


async def test_an_offer_is_forgotten_after_a_month_and_its_number_never_means_another(database: Database) -> None:
    old = await Offers(database, lambda: 0.0).keep({"prompt": "a star"}, is_spoiler=False)

    new = await Offers(database, lambda: 31.0 * DAY_S).keep({"prompt": "a ring"}, is_spoiler=False)

    assert await Offers(database).get(old) is None
    assert new != old
