"""What does a request become that starts from a picture: one that was sent, or one of its own to vary or enlarge?"""

from __future__ import annotations

import math
from dataclasses import replace

from generation.errors import InvalidRequestError
from generation.models.model import ModelSpec
from generation.models.sizes import allowed_sizes, is_allowed, nearest_size
from generation.request import MOST_IMAGES, ImagineOptions, ImagineRequest

# The strengths were chosen by looking at what the demo model makes of its own pictures.
# Below 0.6 it mixes what was there with what is asked for (a red circle that is to be green comes out orange); at 0.6
# the words win, while ground and place stay.
DEFAULT_STRENGTH = 0.6
# What is drawn within a mask is to be new; what was there would shine through below.
MASKED_STRENGTH = 1.0
# With the same words and a new seed hardly anything moves up to 0.6; from 0.8 on what nobody named is all different.
VARIATION_STRENGTH = 0.7
# At twice the size edges become crisp; from 0.3 on they wobble and grow spots.
UPSCALE_STRENGTH = 0.2
UPSCALE_FACTOR = 2


def choose_strength(options: ImagineOptions, spec: ModelSpec, num_inference_steps: int) -> float:
    """Decide how far from the start picture it may go, within the mask if there is one; 0 if there is no picture.

    Raises:
        InvalidRequestError: what was typed is out of range, has no start picture, or the model cannot use one.
    """
    if not options.image:
        if options.mask:
            raise InvalidRequestError("--mask says which parts of a start picture are drawn anew: it needs --image.")
        if options.strength is not None:
            raise InvalidRequestError("--strength says how far from a start picture it may go: it needs --image.")
        return 0.0
    _check_possible(spec)
    if options.mask and not spec.has_inpainting:
        raise InvalidRequestError(
            f"--mask is not possible with {spec.name}: this version cannot draw parts of a picture anew with the "
            f"family {spec.family}."
        )
    default = MASKED_STRENGTH if options.mask else DEFAULT_STRENGTH
    strength = default if options.strength is None else options.strength
    if not 0 < strength <= 1:
        raise InvalidRequestError(f"--strength {strength:g} is out of range: above 0 and up to 1 is allowed.")
    if num_inference_steps * strength < 1:
        raise InvalidRequestError(
            f"--strength {strength:g} leaves none of --steps {num_inference_steps} to take: "
            f"--strength from {_least_strength(num_inference_steps):g} to 1 is allowed."
        )
    return strength


def varied(request: ImagineRequest, image: str, spec: ModelSpec, *, seed: int) -> ImagineRequest:
    """Give the request for variations of a picture that the request made.

    Raises:
        InvalidRequestError: the model cannot start from a picture.
    """
    _check_possible(spec)
    size = request.width, request.height
    if not is_allowed(size, VARIATION_STRENGTH, spec):  # it was enlarged before
        size = nearest_size(size, spec)
    return _from_picture(request, image, VARIATION_STRENGTH, size, seed=seed, images=MOST_IMAGES)


def upscaled(request: ImagineRequest, index: int, image: str, spec: ModelSpec) -> ImagineRequest:
    """Give the request for its picture `index` at twice the size.

    Raises:
        InvalidRequestError: the model cannot start from a picture, or not draw one that large.
    """
    _check_possible(spec)
    width, height = size = UPSCALE_FACTOR * request.width, UPSCALE_FACTOR * request.height
    if not is_allowed(size, UPSCALE_STRENGTH, spec):
        raise InvalidRequestError(
            f"Twice the size is {width}x{height}, which is not possible with {spec.name}; "
            f"allowed: {allowed_sizes(UPSCALE_STRENGTH, spec)}."
        )
    return _from_picture(request, image, UPSCALE_STRENGTH, size, seed=request.seed_of(index), images=1)


def _check_possible(spec: ModelSpec) -> None:
    if not spec.has_image_to_image:
        raise InvalidRequestError(
            f"{spec.name} cannot start from a picture: this version has no image-to-image for the family {spec.family}."
        )


def _least_strength(num_inference_steps: int) -> float:
    """Give the smallest strength, to three digits, of which so many steps take at least one."""
    return math.ceil(1000 / num_inference_steps) / 1000


def _from_picture(
    request: ImagineRequest, image: str, strength: float, size: tuple[int, int], *, seed: int, images: int
) -> ImagineRequest:
    return replace(
        request,
        width=size[0],
        height=size[1],
        num_inference_steps=max(request.num_inference_steps, math.ceil(1 / strength)),  # at least one is taken
        seed=seed,
        images=images,
        image=image,
        strength=strength,
        mask="",
    )
