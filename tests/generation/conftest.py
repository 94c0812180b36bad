"""What do the tests of the generation room share?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generation.studio import Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A studio of one's own, not opened yet."""
    return Studio(tmp_path)
