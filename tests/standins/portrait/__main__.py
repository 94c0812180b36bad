"""Where does the README's picture of a conversation come from?

    python -m tests.standins.portrait FILE.png

The real bot, with the model that ships, talks with both stand-ins at once; what they hold is drawn as two chat windows.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from PIL.Image import Dither

from tests.standins.authority import authority_file


def main(path: Path) -> None:
    """Hold the conversation and write its picture."""
    # aiohttp makes its TLS context when it is imported, so the stand-ins' authority has to be named before that.
    os.environ["SSL_CERT_FILE"] = str(authority_file())
    from tests.standins.portrait.conversation import converse  # noqa: PLC0415 - late, as said above
    from tests.standins.portrait.windows import draw_windows  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory:
        conversation = asyncio.run(converse(Path(directory)))
    draw_windows(conversation).quantize(256, dither=Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Say where to write the picture: python -m tests.standins.portrait FILE.png")
    main(Path(sys.argv[1]))
