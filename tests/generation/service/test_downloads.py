"""Are models downloaded beside everything else, once for all who want them, and on from an earlier attempt?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio

from generation import Download, DownloadMoved, GenerationError, JobEnded, JobStarted
from tests.generation.pipelines.local_hub import LocalHub
from tests.generation.remote_models import SIZE, WEIGHTS, hub_of, put, remote_catalogue
from tests.generation.studio import Studio, job, request, workers

HELD = 100_000  # bytes of the weights, after which the hub stops for a while


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub with one model, of which only the beginning comes until it is released."""
    with hub_of(tmp_path, monkeypatch) as hub:
        put(hub, "far")
        hub.hold(WEIGHTS, HELD)
        yield hub


def opened(studio: Studio, **facts: object) -> AbstractAsyncContextManager[Studio]:
    """Open the studio with a model that has to be downloaded."""
    return studio.opened(remote_catalogue(studio.folder, "far"), **facts)  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def away(studio: Studio, hub: LocalHub) -> AsyncIterator[Studio]:  # noqa: ARG001 - it answers the fetcher
    """An open studio whose model "far" is not on this disk."""
    async with opened(studio):
        yield studio


async def stopped_short(studio: Studio) -> Download:
    """Wait until all has come that the hub sends before it is released."""
    while True:
        for download in studio.service.downloads.under_way:
            if download.progress is not None and download.progress.done_bytes > HELD - 20_000:
                return download
        await studio.seen(DownloadMoved, after=len(studio.events))


FAR = request(model="far")


async def test_others_are_served_while_a_model_is_downloaded_once_for_all_who_want_it(
    away: Studio, hub: LocalHub
) -> None:
    for job_id, owner in ((1, "ann"), (2, "bob"), (3, "ann")):
        away.service.submit(job(job_id, owner, asked=FAR))
    download = await stopped_short(away)
    away.service.submit(job(4, "cleo"))
    await away.ended(4)

    assert (download.model, download.jobs) == ("far", (1, 2, 3))
    assert download.progress is not None
    assert download.progress.total_bytes > SIZE
    assert all(away.service.waits(job_id) for job_id in (1, 2, 3))
    assert away.service.prospect(1) is None

    hub.release()
    for job_id in (1, 2, 3):
        assert (await away.ended(job_id)).state == "done"
    assert away.started() == [4, 1, 2, 3]
    assert hub.served[WEIGHTS] == SIZE
    assert away.service.downloads.under_way == ()


async def test_the_time_of_a_download_earns_nobody_credit(away: Studio, hub: LocalHub) -> None:
    away.service.submit(job(1, "ann", asked=FAR))
    await stopped_short(away)
    away.service.submit(job(2, "bob"))
    await away.ended(2)
    with away.switched("hold"):
        away.service.submit(job(3, "bob"))
        await away.seen(JobStarted, job_id=3)
        hub.release()
        await away.outlook(1)

        assert away.accounts_ms()["ann"] == away.accounts_ms()["bob"] > 0


async def test_a_download_that_nobody_wants_any_more_is_broken_off_and_goes_on_when_somebody_does(
    away: Studio, hub: LocalHub
) -> None:
    for job_id in (1, 2):
        away.service.submit(job(job_id, asked=FAR))
    await stopped_short(away)

    assert away.service.cancel(1)
    assert (await away.ended(1)).state == "cancelled"
    assert away.service.downloads.under_way[0].jobs == (2,)
    assert away.service.cancel(2)
    assert away.service.downloads.under_way == ()

    away.service.submit(job(3, asked=FAR))
    await asyncio.to_thread(hub.until_asked, WEIGHTS, 2)  # which it only is once the first process is gone
    hub.release()
    assert (await away.ended(3)).state == "done"
    assert hub.served[WEIGHTS] == SIZE


async def test_a_fetcher_that_is_killed_is_replaced_and_fetches_no_byte_again(away: Studio, hub: LocalHub) -> None:
    await away.service.card()
    drawing = workers()
    away.service.submit(job(1, asked=FAR))
    await stopped_short(away)
    (fetcher,) = set(workers()) - set(drawing)

    fetcher.kill()
    await asyncio.to_thread(hub.until_asked, WEIGHTS, 2)
    hub.release()

    assert (await away.ended(1)).state == "done"
    assert hub.served[WEIGHTS] == SIZE


async def test_a_download_goes_on_after_a_restart_and_its_jobs_keep_their_place(studio: Studio, hub: LocalHub) -> None:
    jobs = [job(1, "ann", asked=FAR), job(2, "ann", asked=FAR)]
    async with opened(studio):
        for each in jobs:
            studio.service.submit(each)
        await stopped_short(studio)
    hub.release()

    async with opened(studio):
        for each in reversed(jobs):
            studio.service.take_back(each)
        for each in jobs:
            await studio.ended(each.id)

        assert studio.started() == [1, 2]
        assert hub.served[WEIGHTS] == SIZE


async def test_a_model_that_was_downloaded_works_without_the_hub(
    studio: Studio, hub: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.release()
    async with opened(studio):
        await studio.service.downloads.need("far")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.is_down = True

    async with opened(studio):
        studio.service.submit(job(1, asked=FAR))

        assert (await studio.ended(1)).state == "done"
        assert not [event for event in studio.events if isinstance(event, DownloadMoved)][1:]


async def test_who_is_offline_without_the_model_is_told_so(
    studio: Studio,
    hub: LocalHub,  # noqa: ARG001 - which is there, but must not be asked
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    async with opened(studio):
        studio.service.submit(job(1, asked=FAR))

        assert await studio.ended(1) == JobEnded(
            job_id=1,
            owner="ann",
            state="failed",
            gpu_seconds=0.0,
            error="far is not whole in the local cache, and HF_HUB_OFFLINE keeps it from being downloaded.",
        )


async def test_loading_a_model_downloads_it_first_and_an_admin_can_stop_that_for_all(
    away: Studio, hub: LocalHub
) -> None:
    loading = asyncio.create_task(away.service.load("far"))
    away.service.submit(job(1, asked=FAR))
    await stopped_short(away)
    text = "An admin has stopped the download of far. What has come is kept."

    assert away.service.downloads.stop("far")
    with pytest.raises(GenerationError, match=text):
        await loading
    assert (await away.ended(1)).error == text
    assert not away.service.downloads.stop("far")

    hub.release()
    await away.service.load("far")
    assert away.service.status().resident == {"far"}


async def test_a_job_can_be_boosted_and_change_its_owner_while_its_model_comes(away: Studio, hub: LocalHub) -> None:
    for job_id, owner in ((1, "ann"), (2, "bob"), (3, "cleo")):
        away.service.submit(job(job_id, owner, asked=FAR))
    await stopped_short(away)

    assert away.service.boost(3)
    away.service.merge("cleo", "dora")
    hub.release()

    assert (await away.ended(3)).owner == "dora"
    await away.ended(2)
    assert away.started() == [3, 1, 2]


async def test_leaving_the_service_lets_nobody_wait_for_a_model(studio: Studio, hub: LocalHub) -> None:  # noqa: ARG001
    async with opened(studio):
        needing = asyncio.create_task(studio.service.downloads.need("far"))
        await stopped_short(studio)

    with pytest.raises(GenerationError, match=r"The image service is being shut down\."):
        await needing
    assert workers() == []
