"""Pixel values in 8 bits, which colour transforms are defined on."""

import numpy as np


def as_bytes(image: np.ndarray) -> np.ndarray:
    """An image as uint8: the same array if it is already; floats are cut to 0..255 and to whole numbers."""
    return image if image.dtype == np.uint8 else image.clip(0, 255).astype(np.uint8)
