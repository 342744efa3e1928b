"""Whether a label map lies on its picture: its borders should be where the picture changes, and face the same way.

Brightness changes most where things end, and across their borders. So along the borders of a label map that fits, the
gradient's part across the border is larger than along the same borders moved elsewhere; if it is larger at one other
place alone, the label map belongs there. Which way a change points keeps borders apart from texture, which has strong
changes in all directions.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

SIDE = 384  # pixels of the longer side that is compared
REACH = 16  # of these: how far a label map is moved each way
FEWEST = 60  # border pixels; fewer say nothing
FITS = 4.0  # standard deviations above other places from which on a label map is not tried mirrored
SMOOTH = 1.5  # pixels of SIDE: how far around a border its direction is averaged
TINY = 1e-9
MIRRORED = np.array((1, -1, 1), np.float32)  # what a mirror does to the three numbers of a direction
LEAST_SHIFT = 3  # pixels of SIDE; nearer is how precisely people draw


class Evidence(NamedTuple):
    """Mean gradients across borders, and where the largest is.

    Attributes:
        here: of the label map as it lies, in standard deviations above the mean of all places.
        best: the largest of all places, likewise.
        right: how far to the right that place is, in pixels of the file.
        down: how far below.
    """

    here: float
    best: float
    right: int
    down: int


@dataclass(frozen=True)
class Alignment:
    """How the borders of a label map lie on a picture.

    Attributes:
        places: (2 REACH + 1, 2 REACH + 1) float32, mean gradient across the borders moved by each row and column; in
            the middle as they are; 1 is the mean of the picture's gradients, half of which chance gives.
        scale: pixels of the file for each of a row or column.
        turned: likewise, of borders mirrored left to right, top to bottom, and both; empty where the label map fits.
    """

    places: np.ndarray
    scale: float
    turned: tuple[np.ndarray, ...] = ()

    def evidence(self) -> Evidence:
        """Where the borders would lie best."""
        return evidence(self.places, self.scale)


def in_the_middle(places: np.ndarray) -> float:
    """Mean gradient across the borders as they are, or a pixel beside."""
    return float(places[REACH - 1 : REACH + 2, REACH - 1 : REACH + 2].max())


def evidence(places: np.ndarray, scale: float) -> Evidence:
    """Of the places of one label map, or of the mean over many."""
    spread = float(places.std()) or 1.0
    centred = (places - float(places.mean())) / spread
    row, column = (int(place) for place in np.unravel_index(int(places.argmax()), places.shape))
    return Evidence(
        in_the_middle(centred), float(centred.max()), round((column - REACH) * scale), round((row - REACH) * scale)
    )


def align(image: np.ndarray, label: np.ndarray, ignore_index: int) -> Alignment | None:
    """Compare a picture's changes with a label map's borders.

    Args:
        image: (H, W, 3) uint8.
        label: (H, W) ids.
        ignore_index: id whose borders do not count.

    Returns:
        None where the label map has too few borders, or the picture too little in it.
    """
    factor = min(1.0, SIDE / max(label.shape))
    height, width = (max(1, round(side * factor)) for side in label.shape)
    if min(height, width) < 4 * REACH:
        return None
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    ids = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST)
    edges, borders = _edges(small), _directed(_borders(ids, ignore_index))
    if np.count_nonzero(_strength(borders)[REACH:-REACH, REACH:-REACH]) < FEWEST or _strength(edges).max() <= 0:
        return None
    edges /= float(_strength(edges).mean())
    places = _places(edges, borders)
    if evidence(places, 1.0).here > FITS:
        return Alignment(places, 1 / factor)
    return Alignment(places, 1 / factor, tuple(_places(edges, _mirrored(borders, code)) for code in (1, 0, -1)))


def _places(edges: np.ndarray, borders: np.ndarray) -> np.ndarray:
    inner = borders[REACH:-REACH, REACH:-REACH]
    return cv2.matchTemplate(edges, inner, cv2.TM_CCORR) / max(1.0, float(_strength(inner).sum()))


def _edges(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (H, W, 3) float32: how fast brightness changes, the strongest changes cut off, by direction.

    Directions are those of ``_squares``, times the length of the gradient.
    """
    gray = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1.0)
    directed = _squares(gray)
    size = np.sqrt(_strength(directed))
    most = np.float32(np.percentile(size, 95)) or size.max()
    return directed * (np.minimum(size, most) / np.maximum(size**2, TINY))[..., None]


def _directed(borders: np.ndarray) -> np.ndarray:
    """(H, W) float32, 1 on borders -> (H, W, 3): the direction that each pixel of a border faces, by ``_squares``."""
    around = cv2.GaussianBlur(_squares(cv2.GaussianBlur(borders, (0, 0), 1.0)), (0, 0), SMOOTH)
    return around * (borders / np.maximum(_strength(around), TINY))[..., None]


def _squares(values: np.ndarray) -> np.ndarray:
    """(H, W) float32 -> (H, W, 3): ``x x, sqrt(2) x y, y y`` of its gradient (x, y).

    Both ways across a border are the same, and the scalar product of two is that of the gradients, squared: the square
    of the cosine between unit vectors.
    """
    x, y = cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1)
    return cv2.merge([x * x, np.float32(2**0.5) * x * y, y * y])


def _strength(directed: np.ndarray) -> np.ndarray:
    """(H, W, 3) -> (H, W): what is left without the direction."""
    return directed[..., 0] + directed[..., 2]


def _mirrored(borders: np.ndarray, code: int) -> np.ndarray:
    """As ``cv2.flip``; a mirror turns directions, a turn by 180 degrees does not."""
    flipped = cv2.flip(borders, code)
    return flipped if code == -1 else flipped * MIRRORED


def _borders(ids: np.ndarray, ignore_index: int) -> np.ndarray:
    """(H, W) ids -> (H, W) float32: 1 on both sides of a border between two classes."""
    borders = np.zeros(ids.shape, np.float32)
    for axis in (0, 1):
        first, second = (ids[:-1], ids[1:]) if axis == 0 else (ids[:, :-1], ids[:, 1:])
        differs = (first != second) & (first != ignore_index) & (second != ignore_index)
        one, other = (borders[:-1], borders[1:]) if axis == 0 else (borders[:, :-1], borders[:, 1:])
        one[differs] = 1
        other[differs] = 1
    return borders
