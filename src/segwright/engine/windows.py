"""Sliding windows over a picture: where they lie, how much each counts for a pixel, and their weighted mean."""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Literal, TypeVar

import torch
from torch import Tensor

from segwright.engine.faults import is_out_of_memory
from segwright.types import Size

log = logging.getLogger("segwright")

T = TypeVar("T")

Blend = Literal["uniform", "gaussian"]
"""How much windows count where they overlap: all alike, or the less the nearer the pixel is to a window's border."""

SIGMA = 1 / 8  # of a window's side: nnU-Net's


def slide(
    predict: Callable[[Tensor], Tensor],
    image: Tensor,
    window: Size,
    stride: Size,
    *,
    blend: Blend = "uniform",
    batch_pixels: int = 1,
) -> Tensor:
    """Mean of the logits of all windows over a pixel.

    All windows are of one size, so several go through the model together. A window larger than the picture is cut to
    it; the last window of a row or column ends at the border (the overlap-tile strategy of U-Net, Ronneberger et al.,
    2015, https://arxiv.org/abs/1505.04597, but with windows that stay inside the picture).

    Args:
        predict: (M, C, h, w) -> (M, num_classes, h, w) float32 logits.
        image: (N, C, H, W).
        window: size of the windows.
        stride: step from window to window, at most ``window``.
        blend: how much windows count where they overlap; see ``window_weights``.
        batch_pixels: how many pixels go through the model together; one window of each picture always does.

    Returns:
        (N, num_classes, H, W) float32 logits.
    """
    height, width = image.shape[2:]
    size = Size(min(window.height, height), min(window.width, width))
    weights = window_weights(size, blend).to(image.device)
    count = image.new_zeros((height, width), dtype=torch.float32)
    total: Tensor | None = None
    corners = list(product(starts(height, size.height, stride.height), starts(width, size.width, stride.width)))
    places = [(..., slice(top, top + size.height), slice(left, left + size.width)) for top, left in corners]
    together = batch_pixels // (len(image) * size.height * size.width)
    parts = in_batches(predict, places, lambda place: image[place], together)
    for place, logits in zip(places, parts, strict=True):
        if total is None:
            total = logits.new_zeros((*logits.shape[:2], height, width))
        total[place].addcmul_(logits, weights)
        count[place] += weights
    assert total is not None
    return total.div_(count)


def in_batches(
    predict: Callable[[Tensor], Tensor], items: Sequence[T], view: Callable[[T], Tensor], size: int
) -> Iterator[Tensor]:
    """Logits of views of pictures, in order, several views going through the model together.

    Where memory runs out, fewer go together from there on, and that is said.

    Args:
        predict: (M, C, h, w) -> (M, num_classes, h, w).
        items: what tells views apart.
        view: gives the (N, C, h, w) view of an item, all of one shape.
        size: views that go together at first; at least one does.

    Raises:
        RuntimeError, MemoryError: what the model raises; of memory, when there is not enough for a single view.
    """
    start, size = 0, max(1, size)
    while start < len(items):
        views = [view(item) for item in items[start : start + size]]
        parts = _predicted(predict, views)
        if parts is None:
            size = max(1, len(views) // 2)
            log.warning("not enough memory for %d views at once, so %d go together (--batch_pixels)", len(views), size)
            if views[0].device.type == "cuda":
                torch.cuda.empty_cache()
            continue
        yield from parts
        start += len(views)


def _predicted(predict: Callable[[Tensor], Tensor], views: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """The logits of each view; None where there is no memory for all at once."""
    try:
        return predict(torch.cat(list(views))).split(len(views[0]))
    except (RuntimeError, MemoryError) as error:
        if len(views) == 1 or not is_out_of_memory(error):
            raise
        return None


def starts(length: int, window: int, stride: int) -> list[int]:
    """Where windows begin along a side, so that they cover it: ``stride`` apart, but the last one ends with it."""
    steps = max(0, -(-(length - window) // stride))
    return [max(0, min(step * stride, length - window)) for step in range(steps + 1)]


def window_weights(size: Size, blend: Blend) -> Tensor:
    """How much each pixel of a window counts: (h, w) float32 above 0.

    ``gaussian`` is 1 in the middle and falls with a standard deviation of an eighth of each side, as in nnU-Net
    (Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z): what a network says near a window's border lacks
    context, and where windows end, uniform weights leave a step.
    """
    if blend == "uniform":
        return torch.ones(size)
    return torch.outer(_bell(size.height), _bell(size.width)).float()


def _bell(length: int) -> Tensor:
    places = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
    return torch.exp(-0.5 * (places / (SIGMA * length)) ** 2)


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in order, ``size`` at a time, but at least one."""
    size = max(1, size)
    return (items[start : start + size] for start in range(0, len(items), size))
