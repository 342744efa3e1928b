"""Sliding windows over a picture that does not fit in memory: label maps come out band by band, from top to bottom.

The sums are those of ``windows.slide``. What is kept of them is only what later windows add to: right of a window, its
columns that the next one reaches into, and below, those rows in which the next row of windows overlaps with this one. A
pixel is decided by its sum, for dividing by the weight does not change which class is first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from segwright.engine.inference import Procedure, decide
from segwright.engine.windows import Blend, chunks, starts, window_weights
from segwright.types import Size

FLOAT = 4  # bytes
REST = 144 * 2**20  # bytes: rows on their way to a file, a reduced overlay, gaps between all of this


@dataclass(frozen=True)
class Tiling:
    """Where the windows of a large picture lie.

    Attributes:
        size: of the picture.
        window: of every window, none larger than the picture.
        stride: step from window to window.
        blend: how much windows count where they overlap.
        together: how many windows go through the model at once, at most.
    """

    size: Size
    window: Size
    stride: Size
    blend: Blend = "uniform"
    together: int = 1

    @classmethod
    def of(cls, size: Size, procedure: Procedure) -> "Tiling":
        """The windows of a procedure that has some."""
        assert procedure.window is not None
        window = Size(min(procedure.window.height, size.height), min(procedure.window.width, size.width))
        tiling = cls(size, window, procedure.stride or procedure.window, procedure.blend)
        together = min(procedure.batch_pixels // (window.height * window.width), len(tiling.columns))
        return replace(tiling, together=max(1, together))

    @cached_property
    def row_groups(self) -> list[list[int]]:
        """First picture row of each row of windows.

        The last two rows stand together if the last had to move up to stay inside the picture: they may overlap almost
        wholly, and what overlaps with a later row has to be kept for the width of the picture.
        """
        tops = starts(self.size.height, self.window.height, self.stride.height)
        together = 2 if len(tops) > 1 and tops[-1] - tops[-2] < self.stride.height else 1
        return [*([top] for top in tops[:-together]), tops[-together:]]

    @cached_property
    def columns(self) -> list[tuple[int, int]]:
        """First picture column of each column of windows, and of the next one or the end."""
        lefts = starts(self.size.width, self.window.width, self.stride.width)
        return list(pairwise([*lefts, self.size.width]))

    @property
    def num_windows(self) -> int:
        """In all."""
        return sum(map(len, self.row_groups)) * len(self.columns)

    @property
    def overlap(self) -> int:
        """Picture rows in which windows overlap with those of the next group."""
        return self.window.height - self.stride.height if len(self.row_groups) > 1 else 0

    def memory(self, num_classes: int) -> int:
        """Bytes needed at most, beside what reads the picture, the model, and its own work on ``together`` windows."""
        height = max(tops[-1] - tops[0] for tops in self.row_groups) + self.window.height
        inputs = 6 * self.together * self.window.height * self.window.width
        logits = num_classes * max(self.together, 2) * self.window.height * self.window.width
        sums = 2 * num_classes * height * self.window.width
        carried = num_classes * self.overlap * self.size.width
        band = 10 * height * self.size.width  # bytes: colours, old and new, and class ids in three or four forms
        return FLOAT * (inputs + logits + sums + carried) + band + REST


class Rows:
    """Rows of a picture that is read from top to bottom; those above the last that were asked for are forgotten."""

    def __init__(self, pieces: Iterator[np.ndarray]) -> None:
        self._pieces = pieces
        self._held = np.empty((0, 0, 3), np.uint8)
        self._top = 0

    def between(self, top: int, bottom: int) -> np.ndarray:
        """(bottom - top, W, 3) uint8; ``top`` and ``bottom`` are never above those of an earlier call."""
        parts = [self._held[top - self._top :]] if len(self._held) else []
        count = sum(map(len, parts))
        while count < bottom - top:
            parts.append(next(self._pieces))
            count += len(parts[-1])
        self._held, self._top = np.concatenate(parts), top
        return self._held[: bottom - top]


def label_bands(
    predict: Callable[[Sequence[np.ndarray]], Tensor],
    rows: Rows,
    tiling: Tiling,
    *,
    num_classes: int,
    device: torch.device,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The picture and its label map in bands that follow each other from top to bottom.

    Args:
        predict: windows, each (h, w, 3) uint8 -> (M, num_classes, h, w) float32 logits on ``device``.
        rows: of the picture.
        tiling: where the windows lie.
        num_classes: of the logits.
        device: keeps the sums.

    Yields:
        (n, W, 3) uint8 RGB and (n, W) class ids, uint8 or int32.
    """
    height, width = tiling.window
    weights = window_weights(tiling.window, tiling.blend).to(device)
    carried = torch.empty((num_classes, tiling.overlap, tiling.size.width), device=device)  # sums of the next rows
    num_carried = 0
    ends = [*(tops[0] for tops in tiling.row_groups[1:]), tiling.size.height]
    for tops, below in zip(tiling.row_groups, ends, strict=True):
        top, bottom = tops[0], tops[-1] + height
        num_done = below - top  # rows that no later window reaches into
        band = rows.between(top, bottom)
        ids = np.empty((num_done, tiling.size.width), np.uint8 if num_classes <= 256 else np.int32)
        sums = carried.new_empty((num_classes, bottom - top, width))
        begun = sums[:, :, :0]  # of columns that the window before reached into
        for columns in chunks(tiling.columns, tiling.together // len(tops)):
            corners = [(row - top, left) for left, _ in columns for row in tops]
            windows = [band[row : row + height, left : left + width] for row, left in corners]
            logits = [one for some in chunks(windows, tiling.together) for one in predict(some)]
            for (left, right), parts in zip(columns, chunks(logits, len(tops)), strict=True):
                num_begun = begun.shape[2]
                sums[:, :, :num_begun] = begun
                sums[:, :num_carried, num_begun:] = carried[:, :num_carried, left + num_begun : left + width]
                sums[:, num_carried:, num_begun:] = 0
                for row, part in zip(tops, parts, strict=True):
                    sums[:, row - top : row - top + height].addcmul_(part, weights)
                done, begun = sums[:, :, : right - left], sums[:, :, right - left :].clone()
                ids[:, left:right] = decide(done[None, :, :num_done])[0].cpu().numpy()
                # in the place of older sums, which a window that reached this far has already taken over
                carried[:, : bottom - below, left:right] = done[:, num_done:]
        num_carried = bottom - below
        yield band[:num_done], ids
