"""Pictures and label maps onto the disk, each in one step."""

import io
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from segwright.atomic import write_bytes
from segwright.errors import ConfigError, DataError, suggest
from segwright.images.palette import Palette

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
}

# Only runs of equal bytes are sought: four times as fast as by default, overlays as small, label maps a sixth larger.
PNG_OPTIONS = {"compress_level": 1, "compress_type": zlib.Z_RLE}


def write_image(path: Path | str, image: np.ndarray) -> None:
    """Write an RGB picture in the format that the suffix names.

    Args:
        path: where to; missing folders are made.
        image: (H, W, 3) uint8, RGB.

    Raises:
        ConfigError: the suffix is none of a picture format.
        OSError: the file could not be written; an older one is unharmed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ConfigError(f"{path}: no picture format has the suffix '{suffix}'; {suggest(suffix, FORMATS)}")
    write_bytes(path, encode_image(image, suffix))


def encode_image(image: np.ndarray, suffix: str) -> bytes:
    """The file that ``write_image`` would write.

    Args:
        image: (H, W, 3) uint8, RGB.
        suffix: a key of ``FORMATS``.
    """
    encoded = io.BytesIO()
    options = PNG_OPTIONS if suffix == ".png" else {"quality": 95}  # which counts for JPEG and WebP
    Image.fromarray(image).save(encoded, FORMATS[suffix], **options)
    return encoded.getvalue()


def write_label_map(path: Path | str, label: np.ndarray, palette: Palette) -> None:
    """Write a label map as PNG whose stored numbers are the class ids and whose palette shows them in colour.

    More than 256 classes do not fit a palette: they are written as 16-bit gray.

    Args:
        path: where to, ending in .png; missing folders are made.
        label: (H, W) integers, 0..65535.
        palette: colour of each class; ids beyond it are shown black.

    Raises:
        ConfigError: ``path`` does not end in .png.
        DataError: an id is below 0 or above 65535.
        OSError: the file could not be written; an older one is unharmed.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ConfigError(f"{path}: label maps are written as PNG, which keeps class ids exactly; end the name in .png")
    try:
        write_bytes(path, encode_label_map(label, palette))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def encode_label_map(label: np.ndarray, palette: Palette | None) -> bytes:
    """The PNG that ``write_label_map`` would write, of the same arguments; without a palette it is gray.

    Programs that only know pictures take a palette's colours for the values; gray they read as class ids.

    Raises:
        DataError: an id is below 0 or above 65535.
    """
    lowest, highest = int(label.min()), int(label.max())
    if lowest < 0 or highest > 65535:
        raise DataError(f"class ids in a PNG are 0 to 65535, got {lowest} to {highest}")
    if highest > 255 or len(palette or ()) > 256:
        image = Image.fromarray(label.astype(np.uint16))
    else:
        image = Image.fromarray(label.astype(np.uint8)).convert("L")
    if palette and image.mode == "L":
        # all 256 entries: with fewer, Pillow packs ids into fewer bits and 255 would be lost
        colours = [*palette, *[(0, 0, 0)] * (256 - len(palette))]
        image.putpalette([value for colour in colours for value in colour])
    encoded = io.BytesIO()
    image.save(encoded, "PNG", **PNG_OPTIONS)
    return encoded.getvalue()
