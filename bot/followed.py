"""What does the message of one job show while the job waits and runs?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from bot.chat import Progress, View
from bot.editor import Editor
from bot.messages import Messages
from bot.turns import Turn
from generation import ImagineRequest, StepDone

UNDER_WAY = 1  # the revision of all that is shown before the end


@dataclass(slots=True, kw_only=True)
class Followed:
    """A job with a message: what is known of it beyond its record. `made` are its pictures that are there, by index."""

    job_id: int
    request: ImagineRequest
    is_spoiler: bool
    reach_s: float | None
    messages: Messages
    editor: Editor
    task: asyncio.Task[View | None]
    made: set[int] = field(default_factory=set)
    is_running: bool = False
    _progress: Progress | None = None
    _said: tuple[Turn | None, str] | None = None  # what the message says of the wait: the turn, or else the obstacle

    def wait(self, turn: Turn | None, obstacle: str) -> None:
        """Show where the job stands, or what is in its way, unless the message says about that already."""
        if self._said is not None and self._said[1] == obstacle and (obstacle or _is_like(self._said[0], turn)):
            return
        self._said = turn, obstacle
        made = len(self.made)
        self._show(self.messages.waiting(self.job_id, self.request, made, turn, obstacle, self.reach_s))

    def wait_again(self) -> None:
        """Take in that the job has gone back into the queue."""
        self.is_running, self._progress, self._said = False, None, None

    def start(self) -> None:
        """Show that a worker has taken the job up."""
        self.is_running = True
        self._run()

    def load(self, model: str) -> None:
        """Show that its model is being loaded."""
        self._run(note=f"loading {model}")

    def step(self, done: StepDone) -> None:
        """Show how far the job is; an earlier preview of the same picture stays until there is another."""
        before = self._progress
        earlier = None if before is None or before.picture != done.index + 1 else before.preview
        self._progress = Progress(
            picture=done.index + 1,
            pictures=self.request.images,
            step=done.step,
            steps=done.steps,
            at_once=done.pictures,
            preview=done.preview or earlier,
        )
        self._run()

    def _run(self, note: str = "") -> None:
        if self.is_running:
            self._show(self.messages.running(self.job_id, self.request, self._progress, note))

    def _show(self, view: View) -> None:
        self.editor.show(replace(view, is_spoiler=self.is_spoiler), UNDER_WAY)


def _is_like(before: Turn | None, now: Turn | None) -> bool:
    return before is not None and now is not None and before.is_like(now)
