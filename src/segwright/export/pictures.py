"""The two test pictures of an export: the user's own where they fit, else drawn ones."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from segwright.bundle import NetworkInput, Shape
from segwright.errors import ExportError
from segwright.images import read_image
from segwright.types import Size

NUM_PICTURES = 2
FREE_SIZE = Size(height=192, width=256)

log = logging.getLogger("segwright")


def choose_pictures(
    pictures: Sequence[np.ndarray | Path] | None,
    preprocess: Callable[[np.ndarray], NetworkInput],
    shape: Shape,
    bit_depth: int | None = None,
) -> list[NetworkInput]:
    """The first pictures, preprocessed; drawn ones where there are none, or none of the size that the model takes.

    Args:
        pictures: files or (H, W, 3) uint8 RGB arrays, or None.
        preprocess: the transforms that the export will carry.
        shape: N, C, H, W that the model takes; -1 is free.
        bit_depth: of files with more than 8 bits per value, as in ``read_image``.

    Raises:
        ExportError: the transforms give another size than ``shape`` even to a picture of that very size.
        DataError: a picture cannot be read.
    """
    _, _, height, width = shape
    size = Size(height if height > 0 else FREE_SIZE.height, width if width > 0 else FREE_SIZE.width)
    given = [
        image if isinstance(image, np.ndarray) else read_image(image, bit_depth=bit_depth)
        for image in (pictures or [])[:NUM_PICTURES]
    ]
    chosen = [preprocess(image) for image in given]
    if chosen and all(fits(picture, shape) for picture in chosen):
        return chosen
    drawn = [draw_picture(size, seed) for seed in range(NUM_PICTURES)]
    replaced = [preprocess(image) for image in drawn]
    for picture in replaced:
        if not fits(picture, shape):
            found = picture.size
            turned = found == size[::-1]
            raise ExportError(
                f"--input_shape N C H W asks for height {size.height} and width {size.width}, but the validation "
                f"transforms give the network height {found.height} and width {found.width}"
                f"{': height and width seem swapped (target_size is [width, height])' if turned else ''}; make them "
                "agree, or leave --input_shape out"
            )
    if chosen:
        log.warning(
            "the validation transforms leave pictures at their own size, so this model will refuse all that are not "
            "%s (width x height); put Resize or Padding into the transforms, or leave --input_shape out for any size",
            size,
        )
    return replaced


def fits(picture: NetworkInput, shape: Shape) -> bool:
    """Whether a picture has the size that a network of this input shape takes."""
    return all(wanted < 0 or wanted == found for wanted, found in zip(shape[2:], picture.size, strict=True))


def draw_picture(size: Size, seed: int) -> np.ndarray:
    """A picture of coloured discs and bars on a gradient, the same for the same seed; (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : size.height, 0 : size.width]
    slope = rows / size.height + columns / size.width
    base = rng.uniform(20, 120, 3)
    canvas = (base + slope[:, :, None] * rng.uniform(20, 60, 3)).astype(np.uint8)
    for _ in range(6):
        centre = (int(rng.integers(size.width)), int(rng.integers(size.height)))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        cv2.circle(canvas, centre, int(max(2, min(size) * rng.uniform(0.05, 0.25))), colour, thickness=-1)
        corner = (int(rng.integers(size.width)), int(rng.integers(size.height)))
        cv2.line(canvas, centre, corner, colour[::-1], thickness=max(1, min(size) // 40))
    noise = rng.normal(0, 4, canvas.shape)
    return (canvas + noise).clip(0, 255).astype(np.uint8)
