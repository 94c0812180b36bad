"""With what does an idle worker make its models faster, and where does it keep what it has found out?"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.errors import GenerationError

INDUCTOR, TENSORRT = "inductor", "tensorrt"
# By what the operator sets; TensorRT's is the one that the package torch_tensorrt adds to torch's.
BACKENDS: Mapping[str, str | None] = {"auto": INDUCTOR, "off": None, "tensorrt": TENSORRT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """`backend` is torch's name of the compiler, None for none; files stay in `directory` from one start to the next.

    Nothing here has been tried on a card yet.
    """

    backend: str | None
    directory: Path

    @property
    def kernels_file(self) -> Path:
        """Which attention kernels were the fastest."""
        return self.directory / "attention.json"

    def open(self) -> None:
        """Let torch keep what it compiles here; it reads the variable when it is loaded, so call this before."""
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(self.directory / INDUCTOR))


def find_backend(wanted: str) -> str | None:
    """Give the compiler that the operator wants: "auto", "off" or "tensorrt".

    Raises:
        GenerationError: TensorRT is wanted but not installed.
    """
    if wanted == TENSORRT and importlib.util.find_spec("torch_tensorrt") is None:
        raise GenerationError(
            "Compiling by tensorrt needs the extra of that name (pip install 'fairbrush[tensorrt]'); "
            "auto and off need nothing."
        )
    return BACKENDS[wanted]
