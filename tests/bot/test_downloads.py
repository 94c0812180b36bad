"""Does a chat tell how far a model is on its way, and may only admins send for one?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.chat import Button, Member, View
from bot.wording import downloading
from generation import Download, Fetching
from tests.bot.chatroom import ADMIN, PATIENCE_S, Room
from tests.generation.pipelines.local_hub import LocalHub
from tests.generation.remote_models import SIZE, WEIGHTS, add_remote, hub_of, put

BOB = Member(platform="recorded", id="bob", name="Bob")
PART = "Downloading far: 0.1 of 0.4 MB"
STOPPED = "An admin has stopped the download of far. What has come is kept."


@pytest.fixture
def hub(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A hub with a model that this room knows, of which only the beginning comes until it is released."""
    assert room.settings.generation.models_file is not None
    add_remote(room.settings.generation.models_file, "far")
    with hub_of(tmp_path, monkeypatch) as hub:
        put(hub, "far")
        hub.hold(WEIGHTS, 100_000)
        yield hub


def test_progress_reads_in_gigabytes_and_minutes() -> None:
    progress = Fetching(done_bytes=12_310_000_000, total_bytes=33_790_000_000, bytes_per_s=60_000_000)
    stalled = replace(progress, bytes_per_s=0.0)
    asked = Download(model="flux-dev")

    assert downloading(replace(asked, progress=progress)) == "Downloading flux-dev: 12.3 of 33.8 GB, about 6 min."
    assert downloading(replace(asked, progress=stalled)) == "Downloading flux-dev: 12.3 of 33.8 GB."
    assert downloading(asked) == "Downloading flux-dev: the hub is being asked what there is to fetch."


async def shown(room: Room, *words: str) -> View:
    """Wait for a message with all these words."""
    return await room.platform.until(lambda view: all(word in view.text for word in words))


async def test_a_jobs_message_tells_how_far_its_model_is_while_others_are_served(room: Room, hub: LocalHub) -> None:
    async with room:
        job_id = await room.accept("/imagine a cat --model far")
        waiting = await shown(room, f"Job {job_id} queued. {PART}", "a cat")
        other = await room.say("/imagine a dog", BOB)
        own = await room.say("/queue")
        bobs = await room.say("/queue", BOB)
        why = await room.press_for_view(f"why:{job_id}")
        listed = await room.say("/models")
        hub.release()
        done = await room.end(job_id)

        assert [button.label for row in waiting.buttons for button in row] == ["Cancel", "Why?"]
        assert not waiting.is_final
        assert " done in " in other.text
        assert own.text.startswith(PART)
        assert own.text.endswith(f"Waiting for it: job {job_id} (a cat).")
        assert bobs.text.endswith("Waiting for it: 1 job of others.")
        assert why.text.startswith(f"Job {job_id} waits for its model. {PART}")
        assert f"Licence: MIT. {PART}" in listed.text
        assert " done in " in done.text
        assert {waiting, done} <= set(room.platform.messages[room.message_of(job_id)])


async def test_a_job_that_waits_for_its_model_can_be_cancelled(room: Room, hub: LocalHub) -> None:  # noqa: ARG001
    async with room:
        job_id = await room.accept("/imagine a cat --model far")
        await shown(room, f"Job {job_id} queued. {PART}")

        told = await room.press_for_view(f"cancel:{job_id}")
        end = await room.end(job_id)

        assert told.text == f"Job {job_id} will not be made."
        assert end.text.startswith(f"Job {job_id} cancelled.")
        assert room.app.service.downloads.under_way == ()


async def test_a_job_whose_model_cannot_be_downloaded_fails_with_the_reason(room: Room, hub: LocalHub) -> None:
    put(hub, "far", is_gated=True)
    async with room:
        end = await room.say("/imagine a cat --model far")

    assert "failed: far is gated: accept its licence at " in end.text
    assert "then set HF_TOKEN to a token of that account." in end.text
    assert not hub.served


async def test_models_are_listed_with_what_is_here_and_what_is_to_download(room: Room, hub: LocalHub) -> None:
    hub.release()
    async with room:
        before = await room.say("/models")
        calls = hub.calls
        await room.say("/imagine a cat --model far")
        after = await room.say("/models")

    assert line_of(before, "far") == "far: Flat colours. 4 steps, 64x64. Licence: MIT. To download: about 10.7 MB."
    assert calls == 0
    assert line_of(after, "far") == "far (loaded): Flat colours. 4 steps, 64x64. Licence: MIT. In the cache."
    assert line_of(after, "flatter").endswith("Licence: MIT.")


def line_of(view: View, model: str) -> str:
    """Give what a listing says of a model."""
    return next(line for line in view.text.splitlines() if line.split()[0].rstrip(":") == model)


async def announced(room: Room, line: str) -> tuple[str, View]:
    """Let an admin send for a model; gives the message that tells of it, once something has come."""
    await room.type(line, ADMIN)
    view = await shown(room, PART)
    return next(key for key, views in room.platform.messages.items() if view in views), view


async def until(room: Room, message: str, text: str) -> View:
    """Wait until a message says just this."""
    async with asyncio.timeout(PATIENCE_S):
        return await room.platform.until(lambda view: view.text == text and view in room.platform.messages[message])


async def test_an_admin_sends_for_a_model_and_its_message_tells_how_it_goes(room: Room, hub: LocalHub) -> None:
    async with room:
        message, view = await announced(room, "/admin download far")
        again = await room.say("/admin download far", ADMIN)
        hub.release()
        end = await until(room, message, "far is downloaded.")
        at_last = await room.say("/admin download far", ADMIN)

    assert [button.label for row in view.buttons for button in row] == ["Cancel"]
    assert again.text.startswith(PART)
    assert end.is_final
    assert not end.buttons
    assert at_last.text == "far is on this disk already."


async def test_only_admins_stop_a_download_and_all_who_want_the_model_hear_of_it(room: Room, hub: LocalHub) -> None:
    async with room:
        message, view = await announced(room, "/admin download far")
        job_id = await room.accept("/imagine a cat --model far")
        stop: Button = view.buttons[0][0]

        refused = await room.press_for_view(stop.payload)
        told = await room.press_for_view(stop.payload, ADMIN)
        end = await until(room, message, STOPPED)
        late = await room.press_for_view(stop.payload, ADMIN)

        assert refused.text == "Only admins may stop a download."
        assert told.text == "The download of far is stopped. What has come is kept."
        assert end.is_final
        assert STOPPED in (await room.end(job_id)).text
        assert late.text == "This download is over already."
        assert hub.served[WEIGHTS] < SIZE


async def test_loading_a_model_downloads_it_first(room: Room, hub: LocalHub) -> None:
    async with room:
        message, _ = await announced(room, "/admin load far")
        hub.release()
        await shown(room, "far loaded in ")

        assert room.platform.messages[message][-1].text.startswith("far loaded in ")
        assert room.app.service.status().resident == {"far"}


async def test_a_model_that_does_not_fit_here_is_not_downloaded(room: Room, hub: LocalHub) -> None:
    async with room:
        for command in ("download", "load"):
            answer = await room.say(f"/admin {command} sdxl", ADMIN)
            assert answer.text.startswith("sdxl needs a GPU")

    assert hub.calls == 0


async def test_downloads_and_their_messages_go_on_after_a_restart(room: Room, hub: LocalHub) -> None:
    async with room:
        message, _ = await announced(room, "/admin download far")
        job_id = await room.accept("/imagine a cat --model far")
        await shown(room, f"Job {job_id} queued. {PART}")
    hub.release()

    async with room:
        done = await room.end(job_id)
        await until(room, message, "far is downloaded.")

    assert " done in " in done.text
    assert hub.served[WEIGHTS] == SIZE
