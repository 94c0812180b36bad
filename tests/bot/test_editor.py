"""Does one message come to show what it should, whatever its platform says to that?"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bot.chat import (
    Capabilities,
    Form,
    MessageGoneError,
    NotNowError,
    Place,
    UndeliverableError,
    View,
)
from bot.editor import Editor
from tests.bot.chatroom import PATIENCE_S, STUDIO

LONG_S = 1000.0
FIRST, SECOND = (View(text=text, is_final=False) for text in ("first", "second"))
END = View(text="end")
NOT_NOW = NotNowError("busy", after_s=0.01)
FORBIDDEN = UndeliverableError("the bot is not there any more")
BUG = RuntimeError("a fault of the platform's")


@dataclass
class Stage:
    """A platform that fails as it is told, call by call, and lets something happen while it does."""

    faults: deque[Exception | None]
    edit_interval_s: float = 0.0
    meanwhile: Callable[[], None] = lambda: None
    calls: list[tuple[str, ...]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    noted: list[tuple[str | None, int]] = field(default_factory=list)
    name = "stage"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(edit_interval_s=self.edit_interval_s)

    async def post(self, place: Place, view: View, key: str) -> str:
        self._do("post", view.text, key)
        return f"m{len(self.calls)}"

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        self._do("edit", view.text, message_id)

    async def remove(self, place: Place, message_id: str) -> None:
        self._do("remove", message_id)

    async def answer(self, view: View) -> None:
        raise AssertionError

    async def acknowledge(self, view: View, key: str) -> str:
        self._do("acknowledge", view.text, key)
        return f"m{len(self.calls)}"

    async def ask(self, form: Form) -> None:
        raise AssertionError

    async def note(self, message_id: str | None, revision: int) -> None:
        self.noted.append((message_id, revision))

    def _do(self, *call: str) -> None:
        self.calls.append(call)
        self.times.append(asyncio.get_running_loop().time())
        fault = self.faults.popleft() if self.faults else None
        if fault is not None:
            self.meanwhile()
            raise fault


def stage(*faults: Exception | None, edit_interval_s: float = 0.0) -> Stage:
    return Stage(deque(faults), edit_interval_s)


def editor_on(platform: Stage, message_id: str | None = None, *, broken_pause_s: float = LONG_S) -> Editor:
    return Editor(
        platform, STUDIO, key="job 1", note=platform.note, message_id=message_id, broken_pause_s=broken_pause_s
    )


async def run(editor: Editor) -> View | None:
    async with asyncio.timeout(PATIENCE_S):
        return await editor.run()


async def test_a_message_is_posted_once_and_edited_to_its_end() -> None:
    platform = stage()
    editor = editor_on(platform)
    running = asyncio.create_task(run(editor))

    editor.show(FIRST, 1)
    await editor.posted()
    editor.show(END, 2)

    assert await running == END
    assert platform.calls == [("post", "first", "job 1"), ("edit", "end", "m1")]
    assert platform.noted == [("m1", 1), ("m1", 2)]


async def test_after_its_end_nothing_changes_a_message() -> None:
    platform = stage()
    editor = editor_on(platform)

    editor.show(END, 2)
    editor.show(FIRST, 3)
    await run(editor)

    assert platform.calls == [("post", "end", "job 1")]


async def test_what_could_not_be_shown_is_tried_again_with_what_came_meanwhile() -> None:
    platform = stage(NOT_NOW)
    editor = editor_on(platform)

    def go_on() -> None:
        editor.show(SECOND, 1)
        editor.show(END, 2)

    platform.meanwhile = go_on
    editor.show(FIRST, 1)
    await run(editor)

    assert platform.calls == [("post", "first", "job 1"), ("post", "end", "job 1")]


async def test_an_end_waits_as_long_as_it_was_told_and_no_longer() -> None:
    platform = stage(NotNowError("busy", after_s=0.1))
    editor = editor_on(platform, "m0")

    editor.show(END, 2)
    await run(editor)

    refused, shown = platform.times
    assert 0.1 <= shown - refused < PATIENCE_S / 2
    assert platform.noted == [("m0", 2)]


@pytest.mark.parametrize("fault", [NotNowError("busy", after_s=LONG_S), BUG])
async def test_an_end_does_not_wait_behind_progress_that_was_refused(fault: Exception) -> None:
    platform = stage(fault)
    editor = editor_on(platform, "m0")
    platform.meanwhile = lambda: editor.show(END, 2)

    editor.show(FIRST, 1)

    assert await run(editor) == END
    assert platform.calls == [("edit", "first", "m0"), ("edit", "end", "m0")]


async def test_an_end_cuts_short_the_pause_after_progress() -> None:
    platform = stage(edit_interval_s=LONG_S)
    editor = editor_on(platform)
    running = asyncio.create_task(run(editor))

    editor.show(FIRST, 1)
    await editor.posted()
    editor.show(SECOND, 1)
    editor.show(END, 2)

    assert await running == END
    assert platform.calls == [("post", "first", "job 1"), ("edit", "end", "m1")]


async def test_a_message_that_is_gone_comes_again_under_another_key() -> None:
    platform = stage(MessageGoneError())
    editor = editor_on(platform, "m0")

    editor.show(END, 2)
    await run(editor)

    assert platform.calls == [("edit", "end", "m0"), ("post", "end", "job 1 after m0")]
    assert platform.noted == [("m2", 2)]


async def test_a_result_goes_only_into_a_message_whose_id_is_kept() -> None:
    platform = stage(MessageGoneError())
    editor = Editor(platform, STUDIO, key="job 1", note=platform.note, message_id="m0", placeholder=FIRST)

    editor.show(END, 2)
    await run(editor)

    assert platform.calls == [("edit", "end", "m0"), ("post", "first", "job 1 after m0"), ("edit", "end", "m2")]
    assert platform.noted == [("m2", 0), ("m2", 2)]


async def test_a_platform_on_which_every_message_is_gone_at_once_gets_no_message_after_the_other() -> None:
    platform = stage(None, MessageGoneError())
    editor = Editor(platform, STUDIO, key="job 1", note=platform.note, placeholder=FIRST)

    editor.show(END, 2)
    await run(editor)

    assert platform.calls == [("post", "first", "job 1"), ("edit", "end", "m1"), ("post", "end", "job 1 after m1")]
    assert platform.noted == [("m1", 0), ("m3", 2)]


async def test_a_first_message_answers_the_call_and_is_repeated_under_the_same_key() -> None:
    platform = stage(NOT_NOW)
    editor = Editor(platform, STUDIO, key="job 1", note=platform.note, reply=platform)

    editor.show(END, 2)
    await run(editor)

    assert platform.calls == [("acknowledge", "end", "job 1"), ("post", "end", "job 1")]


async def test_what_can_never_be_shown_counts_as_shown() -> None:
    platform = stage(FORBIDDEN)
    editor = editor_on(platform, "m0")

    editor.show(END, 2)

    assert await run(editor) == END
    assert platform.noted == [("m0", 2)]


async def test_whoever_lets_nothing_be_shown_is_not_asked_again_before_the_end() -> None:
    platform = stage(FORBIDDEN, FORBIDDEN)
    editor = editor_on(platform)
    running = asyncio.create_task(run(editor))

    editor.show(FIRST, 1)
    await editor.posted()
    editor.show(SECOND, 1)
    await asyncio.wait([running], timeout=0)
    editor.show(END, 2)

    assert await running == END
    assert platform.calls == [("post", "first", "job 1"), ("post", "end", "job 1")]
    assert platform.noted == [(None, 1), (None, 2)]


async def test_a_fault_of_the_platform_only_delays_the_message() -> None:
    platform = stage(BUG, BUG)
    editor = editor_on(platform, broken_pause_s=0.01)

    editor.show(END, 2)

    assert await run(editor) == END
    assert [call[0] for call in platform.calls] == ["post", "post", "post"]


async def test_a_reader_who_has_left_the_terminal_ends_it() -> None:
    editor = editor_on(stage(BrokenPipeError()))

    editor.show(END, 2)

    with pytest.raises(BrokenPipeError):
        await run(editor)


@pytest.mark.parametrize("fault", [None, MessageGoneError(), FORBIDDEN, NOT_NOW])
async def test_a_message_is_taken_away(fault: Exception | None) -> None:
    platform = stage(fault)
    editor = editor_on(platform, "m0")

    editor.withdraw(3)

    assert await run(editor) is None
    assert set(platform.calls) == {("remove", "m0")}
    assert [revision for _, revision in platform.noted] == [3]


async def test_what_was_withdrawn_before_it_could_be_shown_is_never_shown() -> None:
    platform = stage(NOT_NOW)
    editor = editor_on(platform, "m0")
    platform.meanwhile = lambda: editor.withdraw(3)

    editor.show(END, 2)

    assert await run(editor) is None
    assert platform.calls == [("edit", "end", "m0"), ("remove", "m0")]


async def test_a_message_that_never_was_needs_no_taking_away() -> None:
    platform = stage()
    editor = editor_on(platform)

    editor.withdraw(3)

    assert await run(editor) is None
    assert platform.calls == []
    assert platform.noted == [(None, 3)]
