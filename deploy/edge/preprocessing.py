"""From a picture to the network's input as `segwright` does it, to the last bit, and from labels back to pictures."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from errors import EdgeError

Size = tuple[int, int]
"""Height, width."""

Step = tuple[str, Size]
"""What was done, ``resized`` or ``padded``, and the size before."""

Arguments = dict[str, Any]

INTERPOLATIONS = {
    "NEAREST": cv2.INTER_NEAREST,
    "LINEAR": cv2.INTER_LINEAR,
    "CUBIC": cv2.INTER_CUBIC,
    "AREA": cv2.INTER_AREA,
    "LANCZOS4": cv2.INTER_LANCZOS4,
}


class Preprocessing:
    """What the transforms of a ``deploy.yaml`` do.

    Args:
        transforms: blocks with a ``type`` and its arguments.
        to_rgb: whether the network takes red first.

    Raises:
        EdgeError: a transform that is not known here.
    """

    def __init__(self, transforms: Sequence[dict[str, Any]], *, to_rgb: bool) -> None:
        for block in transforms:
            if block.get("type") not in (*SIZES, "Padding", "Normalize"):
                raise EdgeError(
                    f"the transform {block.get('type')} is not known here, but {', '.join(SIZES)}, Padding and "
                    "Normalize are; export with these, or with --picture_input, where the graph does the transforms"
                )
            if block.get("interp", "LINEAR") not in INTERPOLATIONS:
                raise EdgeError(f"{block['type']} has interp {block['interp']}; known: {', '.join(INTERPOLATIONS)}")
        self.transforms, self.to_rgb = transforms, to_rgb

    def __call__(self, picture: np.ndarray) -> tuple[np.ndarray, list[Step]]:
        """(H, W, 3) uint8 RGB -> (1, 3, h, w) float32, and the steps to undo.

        Raises:
            EdgeError: Padding to less than the picture has.
        """
        image = picture.astype(np.float32)
        if not self.to_rgb:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        steps: list[Step] = []
        for block in self.transforms:
            name, before = block["type"], image.shape[:2]
            if name in SIZES:
                height, width = SIZES[name](before, block)
                if (height, width) != before:
                    way = INTERPOLATIONS[block.get("interp", "LINEAR")]
                    image = cv2.resize(image, (width, height), interpolation=way)
                    steps.append(("resized", before))
            elif name == "Padding":
                image = _padded(image, block)
                steps.append(("padded", before))
            else:
                image = _normalized(image, block)
        return np.ascontiguousarray(image.transpose(2, 0, 1))[None], steps


def label_map(output: np.ndarray, steps: Sequence[Step]) -> np.ndarray:
    """The network's output, (h, w) labels or (K, h, w) scores -> (H, W) labels of the picture.

    Labels come back by the pixel whose area holds the new pixel's centre, scores bilinearly. uint8, or uint16 where an
    id exceeds 255.
    """
    array = output if output.ndim == 2 else np.ascontiguousarray(output.transpose(1, 2, 0))
    for what, (height, width) in reversed(steps):
        if what == "padded":
            array = array[:height, :width]
        elif output.ndim == 3:
            array = cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, -1)
        else:
            array = array[_nearest(array.shape[0], height)[:, None], _nearest(array.shape[1], width)]
    labels = array if output.ndim == 2 else array.argmax(axis=2)
    return labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16)


def _fixed(before: Size, block: Arguments) -> Size:
    width, height = block["target_size"]
    if block["keep_ratio"]:
        long, short = max(width, height), min(width, height)
        height, width = _scaled(before, min(long / max(before), short / min(before)))
    if divisor := block["size_divisor"]:
        height, width = (math.ceil(side / divisor) * divisor for side in (height, width))
    return height, width


def _by_long(before: Size, block: Arguments) -> Size:
    return _scaled(before, block["long_size"] / max(before))


def _limit_long(before: Size, block: Arguments) -> Size:
    return _scaled(before, _limited(max(before), block["max_long"], block["min_long"]) / max(before))


def _limit_short(before: Size, block: Arguments) -> Size:
    return _scaled(before, _limited(min(before), block["max_short"], block["min_short"]) / min(before))


SIZES: dict[str, Callable[[Size, Arguments], Size]] = {
    "Resize": _fixed,
    "ResizeByLong": _by_long,
    "LimitLong": _limit_long,
    "LimitShort": _limit_short,
}
"""Transforms that resample: the size before and the arguments -> the size after."""


def _limited(length: int, most: int | None, least: int | None) -> int:
    if most is not None and length > most:
        return most
    return least if least is not None and length < least else length


def _scaled(size: Size, factor: float) -> Size:
    height, width = (max(round(side * factor), 1) for side in size)
    return height, width


def _padded(image: np.ndarray, block: Arguments) -> np.ndarray:
    (height, width), (wide, high) = image.shape[:2], block["target_size"]
    if height > high or width > wide:
        raise EdgeError(
            f"Padding to {wide}x{high} met a picture of {width}x{height} (width x height): export with a Resize before "
            "it, or give smaller pictures"
        )
    canvas = np.empty((high, wide, 3), np.float32)
    canvas[...] = np.float32(block["im_padding_value"])
    canvas[:height, :width] = image
    return canvas


def _normalized(image: np.ndarray, block: Arguments) -> np.ndarray:
    means, stds = np.asarray(block["mean"], np.float64), np.asarray(block["std"], np.float64)
    return (image - (255 * means).astype(np.float32)) * (1 / (255 * stds)).astype(np.float32)


def _nearest(before: int, after: int) -> np.ndarray:
    return ((2 * np.arange(after) + 1) * before) // (2 * after)
