"""Which families of models are known, and which module of this version runs each?"""

from __future__ import annotations

from collections.abc import Mapping

# None: the catalogue has its facts, a pipeline is still to come. "fake" is for tests.
FAMILIES: Mapping[str, str | None] = {
    "sdxl": "generation.pipelines.sdxl",
    "sd3": None,
    "flux": None,
    "hidream": None,
    "fake": "generation.pipelines.fake",
}
# Those whose module can start from a picture.
IMAGE_TO_IMAGE = frozenset({"sdxl", "fake"})
