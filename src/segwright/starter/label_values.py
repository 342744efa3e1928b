"""Which numbers label maps hold, and what is the matter where they are no class ids."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from segwright.console import track
from segwright.datasets.survey import spread
from segwright.errors import DataError
from segwright.images import read_image, read_label
from segwright.images.decode import read_header
from segwright.pipeline import in_order, threads

LOOKED_AT = 400  # label maps at most
SECONDS = 20.0
IGNORED = 255
MANY_COLOURS = 64  # more are no classes, but smoothed edges or a photo
DARK, BRIGHT = 40, 215  # what smoothed and compressed masks of one class keep away from


@dataclass
class LabelValues:
    """What was seen in label maps.

    Attributes:
        total: how many there are.
        sets: by file, the ids in it.
        pixels: by id, in all of them.
        coloured: files with colours instead of ids, and which.
        lossy: files compressed with loss; whether each is nearly black and white.
        damaged: messages about files that cannot be read.
    """

    total: int
    sets: dict[Path, frozenset[int]] = field(default_factory=dict)
    pixels: Counter[int] = field(default_factory=Counter)
    coloured: dict[Path, frozenset[tuple[int, int, int]]] = field(default_factory=dict)
    lossy: dict[Path, bool] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    @property
    def looked(self) -> int:
        """How many were read."""
        return len(self.sets) + len(self.coloured) + len(self.lossy) + len(self.damaged)

    @property
    def ids(self) -> list[int]:
        """All ids but the ignored one, ascending."""
        return sorted(set(self.pixels) - {IGNORED})

    @property
    def is_complete(self) -> bool:
        """Whether all label maps were read, and are some."""
        return len(self.sets) == self.total

    def translated(self, ids: Mapping[int, int]) -> "LabelValues":
        """The same where stored numbers mean others; what has no meaning stays."""
        pixels: Counter[int] = Counter()
        for value, count in self.pixels.items():
            pixels[ids.get(value, value)] += count
        sets = {path: frozenset(ids.get(value, value) for value in held) for path, held in self.sets.items()}
        return replace(self, sets=sets, pixels=pixels)

    def shares(self) -> dict[int, float]:
        """Of all pixels that count, by id."""
        total = max(1, sum(self.pixels[value] for value in self.ids))
        return {value: self.pixels[value] / total for value in self.ids}


def look_at_labels(labels: Sequence[Path], *, num_threads: int) -> LabelValues:
    """Read label maps, spread evenly, until there are enough or it takes too long.

    Args:
        labels: the files.
        num_threads: how many are read at once.
    """
    values = LabelValues(len(labels))
    chosen = [labels[place] for place in spread(len(labels), LOOKED_AT)]
    chosen = [chosen[place] for place in np.random.default_rng(0).permutation(len(chosen)).tolist()]  # if time runs out
    end = time.monotonic() + SECONDS
    with threads(num_threads, "labels") as pool:
        for path, seen in zip(
            chosen, track(in_order(pool, _look, chosen, depth=32), "reading label maps"), strict=True
        ):
            _note(values, path, seen)
            if time.monotonic() > end:
                break
    return values


Seen = dict[int, int] | frozenset[tuple[int, int, int]] | bool | str


def _look(path: Path) -> Seen:
    """Pixels by id; or colours, or whether a lossy one is black and white; or why it cannot be read."""
    try:
        label = read_label(path)
    except DataError as error:
        try:
            if read_header(path).lossy:
                gray = read_image(path).mean(axis=2)
                return bool(((gray < DARK) | (gray > BRIGHT)).mean() > 0.95)
            if "colours" in str(error):
                flat = read_image(path).reshape(-1, 3)
                return frozenset((int(r), int(g), int(b)) for r, g, b in np.unique(flat, axis=0)[: MANY_COLOURS + 1])
        except DataError:
            pass
        return str(error)
    ids, counts = np.unique(label, return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


def _note(values: LabelValues, path: Path, seen: Seen) -> None:
    if isinstance(seen, dict):
        values.sets[path] = frozenset(seen)
        values.pixels.update(seen)
    elif isinstance(seen, frozenset):
        values.coloured[path] = seen
    elif isinstance(seen, bool):
        values.lossy[path] = seen
    else:
        values.damaged.append(seen)
