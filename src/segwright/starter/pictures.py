"""What pictures are like: sizes, colours, brightness."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segwright.datasets import Pair
from segwright.datasets.size_check import size_mismatch
from segwright.datasets.survey import spread
from segwright.errors import DataError
from segwright.images import read_image
from segwright.images.decode import Header, read_header
from segwright.pipeline import in_order, threads
from segwright.types import Size

HEADERS = 400  # pairs whose headers are read
DECODED = 48  # pictures that are decoded
GRAY = 2.0  # mean difference of red, green and blue below which a picture is gray, in levels of 255
STEP = 256  # of a picture's longer side, rows and columns that statistics are made of


@dataclass(frozen=True)
class Pictures:
    """What was measured.

    Attributes:
        num_looked: pictures whose sizes are known.
        median: size of the usual picture.
        smallest: by area.
        largest: by area.
        mean: of red, green and blue, 0..1.
        std: of these, over all pixels.
        is_gray: whether they have no colours.
    """

    num_looked: int
    median: Size
    smallest: Size
    largest: Size
    mean: tuple[float, ...]
    std: tuple[float, ...]
    is_gray: bool

    @property
    def sizes(self) -> str:
        """In words."""
        if self.smallest == self.largest:
            return f"all {self.num_looked} pictures looked at are {self.median}"
        return f"pictures are {self.smallest} to {self.largest}, the median one {self.median}"


def look_at_pictures(pairs: Sequence[Pair], *, num_threads: int) -> Pictures:
    """Measure some pictures, spread over all.

    Raises:
        DataError: a file cannot be read, or a label map is not of its picture's size.
    """
    chosen = [pairs[place] for place in spread(len(pairs), HEADERS)]
    with threads(num_threads, "pictures") as pool:
        sizes = list(in_order(pool, _size, chosen, depth=32))
        values = list(in_order(pool, _values, [chosen[i] for i in spread(len(chosen), DECODED)], depth=8))
    areas = [size.height * size.width for size in sizes]
    means = np.mean([mean for mean, _, _ in values], axis=0)
    squares = np.mean([square for _, square, _ in values], axis=0)
    deviations = np.sqrt(np.maximum(squares - means**2, 1e-4))
    return Pictures(
        num_looked=len(sizes),
        median=Size(*(int(np.median([size[side] for size in sizes])) for side in (0, 1))),
        smallest=sizes[int(np.argmin(areas))],
        largest=sizes[int(np.argmax(areas))],
        mean=tuple(float(f"{value:.3f}") for value in means),
        std=tuple(float(f"{value:.3f}") for value in deviations),
        is_gray=bool(np.median([spread_of for _, _, spread_of in values]) < GRAY),
    )


def _size(pair: Pair) -> Size:
    image = _upright(read_header(pair.image))
    if pair.label:
        label = _upright(read_header(pair.label))
        if label != image:
            raise DataError(size_mismatch(pair, image, label, pair.image))
    return image


def _upright(header: Header) -> Size:
    return Size(*header.size[::-1]) if header.orientation > 4 else header.size


def _values(pair: Pair) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean and mean square of the channels, 0..1, and how far they are apart, 0..255."""
    image = read_image(pair.image)
    step = max(1, max(image.shape[:2]) // STEP)
    values = image[::step, ::step].reshape(-1, 3).astype(np.float32)
    apart = float((values.max(axis=1) - values.min(axis=1)).mean())
    scaled = values / 255
    return scaled.mean(axis=0, dtype=np.float64), (scaled**2).mean(axis=0, dtype=np.float64), apart
