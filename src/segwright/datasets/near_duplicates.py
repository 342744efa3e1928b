"""Pictures that show the same, found by a perceptual hash: scaled, compressed, brightened and neighbouring frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from segwright.errors import DataError

BITS = 256
THRESHOLD = 26
"""Of 256 bits. Among real pictures of one kind, retinas, others differ in 40 or more, and edited copies in up to 24."""

SIDE, FREQUENCIES = 64, 16
ROWS = 1024  # hashes compared at once with all others


class NearPair(NamedTuple):
    """Numbers of two pictures, and in how many of the bits they differ."""

    first: int
    second: int
    distance: int


def picture_hash(path: Path) -> np.ndarray:
    """The sign of a picture's 16 x 16 lowest frequencies against their median, (256,) bool.

    That is pHash (Zauner, 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions") with more bits,
    because pictures of one camera are alike in the coarsest ones.

    Raises:
        DataError: it is no picture, or damaged.
    """
    small = cv2.resize(_gray(path), (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    frequencies = cv2.dct(small)[:FREQUENCIES, :FREQUENCIES].copy()
    frequencies[0, 0] = 0  # brightness
    return (frequencies > np.median(frequencies)).ravel()


def near_pairs(first: np.ndarray, second: np.ndarray, threshold: int = THRESHOLD) -> list[NearPair]:
    """Each hash of one list next to each of another one, the nearest first.

    Args:
        first: (N, 256) bool.
        second: (M, 256) bool.
        threshold: in how many bits hashes may differ.
    """
    return sorted(_near(first, second, threshold), key=lambda pair: (pair.distance, pair.first, pair.second))


def near_pairs_within(hashes: np.ndarray, threshold: int = THRESHOLD) -> list[NearPair]:
    """Like ``near_pairs``, each two of one list once."""
    return [pair for pair in near_pairs(hashes, hashes, threshold) if pair.first < pair.second]


def _near(first: np.ndarray, second: np.ndarray, threshold: int) -> Iterator[NearPair]:
    # with bits as 1 and -1, a product counts agreeing bits less differing ones: one matrix product for all pairs
    signs = np.where(second, np.float32(1), np.float32(-1)).T
    for start in range(0, len(first), ROWS):
        products = np.where(first[start : start + ROWS], np.float32(1), np.float32(-1)) @ signs
        distances = ((BITS - products) / 2).astype(np.int32)
        for row, column in np.argwhere(distances <= threshold).tolist():
            yield NearPair(start + row, column, int(distances[row, column]))


def hash_table(hashes: Sequence[np.ndarray]) -> np.ndarray:
    """(N, 256) bool, also for N = 0."""
    return np.array(hashes, bool).reshape(-1, BITS)


def _gray(path: Path) -> np.ndarray:
    """(H, W) uint8 or float32, at least twice as large as is needed; a JPEG is decoded no larger than that."""
    try:
        with Image.open(path) as opened:
            opened.draft("L", (2 * SIDE, 2 * SIDE))
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith(("I", "F")):  # more than 8 bits a value
                values = np.asarray(image).astype(np.float32)
                return values * (255 / max(1.0, float(values.max())))
            return np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a picture ({error}); fetch it again or take it out") from error
