"""Pictures that show the same, found by a perceptual hash: scaled, compressed, brightened and neighbouring frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from segwright.errors import DataError

BITS = 256
THRESHOLD = 13
"""Of 256. Among retinas, the most alike of our samples, two others differ in 15 or more; copies that were scaled,
compressed or noisy in up to 11, brighter in up to 15."""

FAINT = 4.0
"""Frequencies weaker than this, in grey levels of an orthonormal transform, are noise and take no part."""

FEWEST = 64  # frequencies that two pictures must share; flat ones have nothing to be known by
SIDE, FREQUENCIES = 64, 16
ROWS = 1024  # hashes compared at once with all others


class NearPair(NamedTuple):
    """Numbers of two pictures, and in how many of 256 frequencies they differ."""

    first: int
    second: int
    distance: int


def picture_hash(path: Path) -> np.ndarray:
    """Signs of a picture's 16 x 16 lowest frequencies, (256,) float32: 1, -1, or 0 where it is faint.

    That is pHash (Zauner, 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions") with more bits,
    because pictures of one camera are alike in the coarsest ones, and without those that noise decides.

    Raises:
        DataError: it is no picture, or damaged.
    """
    return gray_hash(_gray(path))


def gray_hash(gray: np.ndarray) -> np.ndarray:
    """``picture_hash`` of a decoded picture, (H, W) uint8 or float32 brightness in 0..255."""
    small = cv2.resize(gray, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    frequencies = cv2.dct(small)[:FREQUENCIES, :FREQUENCIES].copy()
    frequencies[0, 0] = 0  # brightness
    return np.where(np.abs(frequencies) < FAINT, 0, np.sign(frequencies)).astype(np.float32).ravel()


def near_pairs(first: np.ndarray, second: np.ndarray, threshold: int = THRESHOLD) -> list[NearPair]:
    """Each hash of one list next to each of another one, the nearest first.

    Args:
        first: (N, 256) of 1, 0 and -1.
        second: (M, 256) of these.
        threshold: in how many of 256 frequencies they may differ; where fewer are strong in both, in as large a share.
    """
    return sorted(_near(first, second, threshold), key=lambda pair: (pair.distance, pair.first, pair.second))


def near_pairs_within(hashes: np.ndarray, threshold: int = THRESHOLD) -> list[NearPair]:
    """Like ``near_pairs``, each two of one list once."""
    return [pair for pair in near_pairs(hashes, hashes, threshold) if pair.first < pair.second]


def _near(first: np.ndarray, second: np.ndarray, threshold: int) -> Iterator[NearPair]:
    """Two matrix products for all pairs: one of signs counts agreeing less differing ones, one of strengths both."""
    strong = np.abs(second).T
    for start in range(0, len(first), ROWS):
        rows = first[start : start + ROWS]
        common = np.abs(rows) @ strong
        differing = (common - rows @ second.T) / 2
        distances = np.rint(BITS * differing / np.maximum(common, 1)).astype(np.int32)
        for row, column in np.argwhere((distances <= threshold) & (common >= FEWEST)).tolist():
            yield NearPair(start + row, column, int(distances[row, column]))


def hash_table(hashes: Sequence[np.ndarray]) -> np.ndarray:
    """(N, 256) float32, also for N = 0."""
    return np.array(hashes, np.float32).reshape(-1, BITS)


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
