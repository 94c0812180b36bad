"""Does a worker process never outlive the bot, however the bot ends?"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MOMENTS_MS = 5000


@pytest.mark.parametrize("killer", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("state", ["busy", "idle"])
def test_the_worker_is_gone_moments_after_the_bot(tmp_path: Path, killer: signal.Signals, state: str) -> None:
    command = [sys.executable, "-m", "tests.generation.bot_to_be_killed", str(tmp_path), state]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as bot:
        assert bot.stdout is not None
        worker = os.pidfd_open(int(bot.stdout.readline()))

        bot.send_signal(killer)

        assert _is_gone_soon(worker)
        bot.wait(MOMENTS_MS / 1000)
        os.close(worker)


def _is_gone_soon(process: int) -> bool:
    gone = select.poll()
    gone.register(process, select.POLLIN)
    return bool(gone.poll(MOMENTS_MS))
