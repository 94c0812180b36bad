"""How do the jobs of a dispatch become the rows of a call, and what a row gave a finished picture?"""

from __future__ import annotations

from PIL import Image

from generation.job import Dispatch, Share
from generation.lora import LoraWeights
from generation.pipelines.pipeline import Row
from generation.worker.mask import fit_mask, kept
from generation.worker.start_image import fit


def rows_of(dispatch: Dispatch, loras: tuple[LoraWeights, ...]) -> list[Row]:
    """Lay out a call; a row that is there only to repeat a call of the past gets the first picture once more.

    Raises:
        UnreadableImageError: a start picture or a mask is none; the text says what is wrong.
    """
    laid: dict[int, Row] = {}
    for share in dispatch.shares:
        start_image, mask = _pictures(share)
        for index, place in zip(share.indexes, share.places, strict=True):
            laid[place] = Row(share.request, share.request.seed_of(index), start_image, mask, loras)
    first = laid[dispatch.shares[0].places[0]]
    return [laid.get(place, first) for place in range(dispatch.size)]


def finished(row: Row, drawn: Image.Image) -> Image.Image:
    """Give the picture of a row: of one with a mask, what is outside of it is the start picture's, pixel by pixel."""
    if row.mask is None:
        return drawn
    assert row.start_image is not None
    return kept(row.start_image, drawn, row.mask)


def _pictures(share: Share) -> tuple[Image.Image | None, Image.Image | None]:
    asked = share.request
    size = asked.width, asked.height
    start_image = fit(share.start_image, size) if asked.image else None
    return start_image, fit_mask(share.mask, share.start_image, size) if asked.mask else None
