"""Where a pixel may have several labels: one map of yes and no for each class, and all of them in one file."""

import numpy as np

from segwright.types import Size


def split_maps(stored: np.ndarray, size: Size) -> np.ndarray | None:
    """Part maps that lie side by side, or one below the other, as PaddleSeg stores them.

    Args:
        stored: (H, K * W) or (K * H, W); the first map is on the left or at the top.
        size: of one map.

    Returns:
        (H, W, K), contiguous; or None if ``stored`` is not made of whole maps of that size in one row or column.
    """
    height, width = stored.shape
    if height == size.height and width % size.width == 0:
        maps = np.split(stored, width // size.width, axis=1)
    elif width == size.width and height % size.height == 0:
        maps = np.split(stored, height // size.height, axis=0)
    else:
        return None
    return np.stack(maps, axis=-1)


def join_maps(maps: np.ndarray) -> np.ndarray:
    """(H, W, K) -> (H, K * W): the maps side by side, to be written as one file."""
    height, width, count = maps.shape
    return maps.transpose(0, 2, 1).reshape(height, count * width)


def topmost(maps: np.ndarray) -> np.ndarray:
    """One id a pixel, to look at: 0 where no map says yes, else one more than the number of the last that does.

    Args:
        maps: (H, W, K) of 0 and 1, K up to 65535.

    Returns:
        (H, W) uint8, or uint16 where an id does not fit.
    """
    count = maps.shape[2]
    last = count - np.argmax(maps[:, :, ::-1] != 0, axis=2)
    return np.where(maps.any(axis=2), last, 0).astype(np.uint8 if count < 256 else np.uint16)
