"""What all targets have in common: pictures in, label maps and times out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np


class UnavailableError(RuntimeError):
    """A target cannot run on this machine; the text says what is missing."""


class FailedError(RuntimeError):
    """A target ran and did not do its work; the text is its own."""


@dataclass(frozen=True)
class Run:
    """What a target gave.

    Attributes:
        engine: library, version, and what of it computed.
        labels: (H, W) class ids of each picture, at the picture's size.
        start: seconds from nothing to the first label map.
        milliseconds: median of a picture, from its file to its label map, once the target is warm.
    """

    engine: str
    labels: list[np.ndarray]
    start: float
    milliseconds: float


class Target(Protocol):
    """An export on something that runs it."""

    def run(self, pictures: Sequence[Path]) -> Run:
        """Begin anew and predict the pictures, which lie in one folder, of which they are all.

        Raises:
            FailedError: it does not do that.
        """
        ...
