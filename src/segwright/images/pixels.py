"""The pixels of a picture that is known to be whole, as OpenCV decodes them."""

import cv2
import numpy as np
from PIL import Image

AS_STORED = cv2.IMREAD_UNCHANGED
AS_RGB = AS_STORED
if hasattr(cv2, "IMREAD_COLOR_RGB"):  # since OpenCV 4.11: values need not be turned around
    AS_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION


def opencv_pixels(content: bytes, image: Image.Image, bits: int) -> np.ndarray | None:
    """Stored values of a JPEG, PNG or TIFF without a palette or transparent colour; an orientation is left alone.

    Args:
        content: the file.
        image: what Pillow opened, for size and mode. Mode P: a palette's numbers, which ``content`` holds as gray.
        bits: of each stored value.

    Returns:
        uint8 or uint16: (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA; None if it cannot be decoded.
    """
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
