"""Which families of models are known, and which module of this version runs each?"""

from __future__ import annotations

from collections.abc import Mapping

# "fake" is for tests.
FAMILIES: Mapping[str, str] = {
    "sdxl": "generation.pipelines.families.sdxl",
    "sd3": "generation.pipelines.families.sd3",
    "flux": "generation.pipelines.families.flux",
    "hidream": "generation.pipelines.families.hidream",
    "z_image": "generation.pipelines.families.z_image",
    "flux2": "generation.pipelines.families.flux2",
    "qwen_image": "generation.pipelines.families.qwen_image",
    "chroma": "generation.pipelines.families.chroma",
    "fake": "generation.pipelines.fake",
}
# Those whose module can start from a picture.
IMAGE_TO_IMAGE = frozenset({"sdxl", "sd3", "flux", "z_image", "flux2", "qwen_image", "chroma", "fake"})
# Those whose module can draw only what a mask leaves open.
INPAINTING = IMAGE_TO_IMAGE
# Those whose denoiser is a row of blocks, most of which a step may leave out.
STEP_CACHE = frozenset({"sd3", "flux", "hidream", "z_image", "flux2", "qwen_image", "chroma", "fake"})
# Those that draw in float16 as they do in bfloat16, which old cards do not have; the others give black pictures there.
HALF_SAFE = frozenset({"sdxl", "fake"})
