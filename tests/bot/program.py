"""How do tests start the program itself, as a process of its own, and talk with it while it runs?"""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Self

import psutil

from tests.bot.chatroom import PATIENCE_S
from tests.fake_models import write_models

ROOT = Path(__file__).parents[2]
SCREEN = (40, 100)
WHERE_IS_THE_CURSOR, AT_THE_TOP = b"\x1b[6n", b"\x1b[1;1R"  # what a terminal is asked, and what it answers
COMMAND = (sys.executable, "-m", "bot")


def environment(directory: Path) -> dict[str, str]:
    """Give an environment with fake models and data in this directory, and none of the developer's own settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("FAIRBRUSH_")}
    return own | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), own.get("PYTHONPATH")])),
        "FAIRBRUSH_DATA_DIR": str(directory / "data"),
        "FAIRBRUSH_GENERATION__DEVICE": "cpu",
        "FAIRBRUSH_GENERATION__DEFAULT_MODEL": "flat",
        "FAIRBRUSH_GENERATION__MODELS_FILE": str(write_models(directory)),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
    }


def fairbrush(
    directory: Path, *arguments: str, typed: str | bytes = "", largest_file: int | None = None, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end with this standard input; a file beyond `largest_file` bytes fills the disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    done = subprocess.run(
        [*COMMAND, *arguments],
        input=typed.encode() if isinstance(typed, str) else typed,
        env=environment(directory) | settings,
        cwd=directory,  # where no developer's .env lies
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
        preexec_fn=None if largest_file is None else limit,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


class Program:
    """The running program, with pipes or in a terminal of its own. A context manager; leaving it kills what is left."""

    def __init__(self, directory: Path, *arguments: str, is_terminal: bool = False, **settings: str) -> None:
        self._directory = directory
        self._arguments = arguments
        self._environment = environment(directory) | settings
        self._is_terminal = is_terminal
        self._seen = 0
        self.output = ""

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._read, theirs = pty.openpty()
            termios.tcsetwinsize(self._read, SCREEN)
            self._write = self._read
            ends = (theirs, theirs, theirs)
        else:
            to_read, self._write = os.pipe()
            self._read, to_write = os.pipe()
            ends = (to_read, to_write, to_write)
        self.process = psutil.Popen(
            [*COMMAND, *self._arguments],
            stdin=ends[0],
            stdout=ends[1],
            stderr=ends[2],
            env=self._environment,
            cwd=self._directory,
            start_new_session=True,
            preexec_fn=_own_the_terminal if self._is_terminal else None,
        )
        for end in set(ends):
            os.close(end)
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self._children(), self.process):
            if process.is_running():
                process.kill()
        self.process.wait(PATIENCE_S)
        for end in {self._read, self._write}:
            os.close(end)

    def type(self, text: str) -> None:
        """Type something; in a terminal, "\\r" is the Enter key."""
        os.write(self._write, text.encode())

    def until(self, text: str) -> str:
        """Wait until the program has printed this, after what was waited for before; gives all of its output."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.output[self._seen :]:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{text!r} was not printed in {PATIENCE_S} s, but: {self.output[self._seen :]!r}"
            assert self._take(), f"the program ended without printing {text!r}, but: {self.output[self._seen :]!r}"
        self._seen = self.output.index(text, self._seen) + len(text)
        return self.output

    def end(self) -> int:
        """Wait until the program has ended and give its exit status; all of its output is there then."""
        deadline = time.monotonic() + PATIENCE_S
        while select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))[0] and self._take():
            pass
        return int(self.process.wait(PATIENCE_S))

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Kill the program, outright unless told otherwise, and wait until its children have noticed and are gone."""
        children = self._children()
        self.process.send_signal(number)
        self.process.wait(PATIENCE_S)
        _, alive = psutil.wait_procs(children, PATIENCE_S)
        assert not alive

    def worker(self) -> psutil.Process:
        """Give the worker process."""
        (worker,) = (child for child in self._children() if "spawn_main" in " ".join(child.cmdline()))
        return worker

    def _children(self) -> list[psutil.Process]:
        return self.process.children(recursive=True) if self.process.is_running() else []

    def _take(self) -> bool:
        try:
            chunk = os.read(self._read, 65536)
        except OSError:  # how a terminal tells that nobody is at its other end any more
            return False
        self.output += chunk.decode("utf-8", "replace")
        if WHERE_IS_THE_CURSOR in chunk:
            os.write(self._write, AT_THE_TOP)
        return bool(chunk)


def _own_the_terminal() -> None:
    """Let Ctrl-C reach the program as a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def switch(directory: Path, name: str) -> Path:
    """Give the file that turns a fault of the fake models on while it is there."""
    file = directory / "switches" / name
    file.parent.mkdir(exist_ok=True)
    return file
