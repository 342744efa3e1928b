"""Pictures that are too large to be held: their rows from top to bottom, a few at a time, by the rules of ``read``.

PNG is decoded here; TIFF and JPEG by GDAL, through rasterio. Neither ever holds the picture.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import TiffImagePlugin

from segwright.errors import ConfigError, DataError, MissingExtraError
from segwright.images.decode import (
    BITS_PER_SAMPLE,
    MAX_PIXELS,
    ORIENTATION,
    Opened,
    exif_orientation,
    explained,
    opened,
)
from segwright.images.large_png import PNG_MEMORY, png_pieces
from segwright.images.large_raster import opened_raster
from segwright.types import Size

TILED_MAX_PIXELS = 1_000_000_000
"""Larger pictures are refused even row by row, unless a limit is given: a file of a few kB may claim any size."""

PHOTOMETRIC = 262  # tag number in TIFF
WHITE_IS_ZERO = 0
JPEG_MODES = {"L", "RGB"}
TIFF_MODES = {"L", "LA", "P", "RGB", "RGBA", "RGBX"}


@dataclass(frozen=True)
class LargePicture:
    """A picture whose rows are being read.

    Attributes:
        size: height and width.
        memory: bytes that reading takes at most.
        pieces: (n, width, 3) uint8 arrays, RGB, that follow each other from top to bottom. To be read once. Reading
            raises DataError where the file is damaged, at the latest after the last row.
        georeference: where a TIFF lies on Earth, in the words of ``rasterio.open``; empty for one that does not say so.
            None for other formats.
    """

    size: Size
    memory: int
    pieces: Iterator[np.ndarray] = field(repr=False)
    georeference: Mapping[str, Any] | None = None


def is_large(path: Path | str, pixels: int) -> bool:
    """Whether a picture, by its header, has more than ``pixels`` and should be read with ``open_large``.

    False for one that ``read_image`` can read and ``open_large`` cannot, and for a file with no readable header: what
    is wrong with that, ``read_image`` says.
    """
    try:
        with opened(path) as file:
            width, height = file.image.size
            readable = not _obstacle(file) and (file.kind == "PNG" or find_spec("rasterio") is not None)
    except DataError:
        return False
    return width * height > (pixels if readable else max(pixels, MAX_PIXELS))


@contextmanager
def open_large(
    path: Path | str, *, bit_depth: int | None = None, max_pixels: int = TILED_MAX_PIXELS
) -> Iterator[LargePicture]:
    """A picture, to be read row by row; transparency is dropped.

    Args:
        path: a PNG, TIFF or JPEG file.
        bit_depth: as for ``read_image``.
        max_pixels: larger pictures are refused.

    Raises:
        DataError: the file is missing, no picture, too large, or of a kind that can only be decoded as a whole.
        MissingExtraError: a TIFF or JPEG, and rasterio is not installed.
        ConfigError: ``bit_depth`` is not 9..16.
    """
    if bit_depth is not None and not 9 <= bit_depth <= 16:
        raise ConfigError(f"bit_depth is the number of bits that deep pictures use, 9 to 16, got {bit_depth}")
    with opened(path) as file:
        kind, name = file.kind, file.name
        size = Size.from_wh(file.image.size)
        if size.height * size.width > max_pixels:
            raise DataError(
                f"{name} says it has {size} pixels, {size.height * size.width / 1e6:.0f} million; the limit is "
                f"{max_pixels / 1e6:.0f} million. If you trust the file, raise max_pixels "
                "(predict's --max_megapixels)"
            )
        if obstacle := _obstacle(file):
            raise DataError(f"{name} has {size} pixels, too many to be decoded at once, but {obstacle}")
    if kind == "PNG":
        with Path(path).open("rb") as stream:
            yield LargePicture(size, PNG_MEMORY, _explained(png_pieces(stream, name, bit_depth), name, kind))
        return
    if find_spec("rasterio") is None:
        raise MissingExtraError(f"reading {name}, a {kind} of {size} pixels, row by row", "geo")
    with opened_raster(path, name, kind) as raster:
        pieces = _explained(raster.pieces(bit_depth), name, kind)
        yield LargePicture(size, raster.memory, pieces, raster.georeference if kind == "TIFF" else None)


def _explained(pieces: Iterator[np.ndarray], name: str, kind: str) -> Iterator[np.ndarray]:
    with explained(name, kind):
        yield from pieces


def _obstacle(file: Opened) -> str | None:
    """Why the picture cannot be read row by row, and what to do; None if it can."""
    image = file.image
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        if max(tags.get(BITS_PER_SAMPLE, (1,))) < 8:
            return "it is a TIFF with less than 8 bits per value; save it with 8"
        if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO or not (image.mode in TIFF_MODES or image.mode.startswith("I;16")):
            return f"it is a TIFF of kind '{image.mode}' with values of no plain brightness; save it as RGB"
        orientation = tags.get(ORIENTATION, 1)
    elif file.kind == "JPEG":
        if image.mode not in JPEG_MODES:
            return f"it is a JPEG of kind '{image.mode}'; save it as RGB"
        if image.info.get("progressive"):
            return "it is a progressive JPEG, whose rows only come all together; save it as a baseline JPEG, or as TIFF"
        orientation = exif_orientation(image.info.get("exif"))
    elif file.kind == "PNG":
        if image.info.get("interlace"):
            return "it is an interlaced PNG, whose rows only come all together; save it without interlacing"
        orientation = exif_orientation(image.info.get("exif"))
    else:
        return f"{file.kind} is not read row by row; save it as PNG, TIFF or JPEG"
    if orientation in range(2, 9):
        return f"its EXIF orientation, {orientation}, asks for it to be turned; save it upright"
    return None
