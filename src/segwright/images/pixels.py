"""The pixels of a picture that is known to be whole, by the fastest decoder at hand."""

import contextlib
from types import ModuleType

import cv2
import numpy as np
from PIL import Image

AS_STORED = cv2.IMREAD_UNCHANGED
AS_RGB = AS_STORED
if hasattr(cv2, "IMREAD_COLOR_RGB"):  # since OpenCV 4.11: values need not be turned around
    AS_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION

rust_codecs: ModuleType | None = None
with contextlib.suppress(ImportError):  # the extra "fast"
    from kornia_rs import io as rust_codecs

RUST_MODES = {"L": "mono", "P": "mono", "RGB": "rgb", "RGBA": "rgba"}


def stored_pixels(content: bytes, image: Image.Image, bits: int) -> np.ndarray | None:
    """Stored values of a JPEG, PNG or TIFF without a palette or transparent colour; an orientation is left alone.

    Args:
        content: the file.
        image: what Pillow opened, for format, size and mode. Mode P: a palette's numbers, which ``content`` holds as
            gray.
        bits: of each stored value.

    Returns:
        uint8 or uint16: (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA; None if it cannot be decoded.
    """
    values = None
    if rust_codecs is not None and image.format == "PNG" and bits == 8 and image.mode in RUST_MODES:
        values = _rust_png(rust_codecs, content, image)
    return _opencv(content, image, bits) if values is None else values


def _rust_png(codecs: ModuleType, content: bytes, image: Image.Image) -> np.ndarray | None:
    """Faster than OpenCV; None, and OpenCV's turn, where it does not decode."""
    try:
        values = codecs.decode_image_png_u8(content, (image.height, image.width), RUST_MODES[image.mode])
    except Exception:  # it has no narrower class for bytes that it cannot decode
        return None
    return values[:, :, 0] if values.shape[2] == 1 else values


def _opencv(content: bytes, image: Image.Image, bits: int) -> np.ndarray | None:
    flags = AS_RGB if image.mode == "RGB" and bits == 8 else AS_STORED
    try:
        values = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # it has limits of its own
        return None
    if values is None or values.shape[:2] != (image.height, image.width):
        return None
    if values.ndim == 2 or flags != AS_STORED:
        return values
    return cv2.cvtColor(values, cv2.COLOR_BGRA2RGBA if values.shape[2] == 4 else cv2.COLOR_BGR2RGB)
