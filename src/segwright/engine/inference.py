"""Logits for one picture: in one go, averaged over scales and flips, or window by window.

All procedures work on logits, as PaddleSeg's do, and return them at the size of the picture before its transforms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.types import Cropped, Flipped, Geometry, Padded, Resized, Size, Warped


@dataclass(frozen=True)
class Procedure:
    """How to get from a picture to logits.

    Attributes:
        augment: average over ``scales`` and flips.
        scales: factors on height and width, with ``augment``.
        flip_horizontal: also mirrored left to right, with ``augment``.
        flip_vertical: also mirrored top to bottom; with both flips on, also both at once.
        window: size of sliding windows; None predicts the picture as a whole.
        stride: step from window to window.
    """

    augment: bool = False
    scales: tuple[float, ...] = (1.0,)
    flip_horizontal: bool = False
    flip_vertical: bool = False
    window: Size | None = None
    stride: Size | None = None

    @classmethod
    def from_flags(
        cls,
        *,
        augment: bool = False,
        scales: float | Sequence[float] = 1.0,
        flip_horizontal: bool = False,
        flip_vertical: bool = False,
        is_slide: bool = False,
        crop_size: Sequence[int] | None = None,
        stride: Sequence[int] | None = None,
    ) -> "Procedure":
        """From flags and ``test_config`` as PaddleSeg spells them; ``crop_size`` and ``stride`` are [width, height].

        Raises:
            ConfigError: flags contradict each other or would have no effect.
        """
        factors = tuple(scales) if isinstance(scales, Sequence) else (scales,)
        if not factors or min(factors) <= 0:
            raise ConfigError(f"scales must be above 0, got {list(factors)}")
        if not augment and (flip_horizontal or flip_vertical or factors != (1.0,)):
            raise ConfigError("scales and flips do nothing without --aug_eval (val) or --aug_pred (predict); add it")
        if not is_slide and (crop_size or stride):
            raise ConfigError("crop_size and stride do nothing without --is_slide; add it")
        if is_slide and not crop_size:
            raise ConfigError("--is_slide needs --crop_size WIDTH HEIGHT")
        window = Size.from_wh(crop_size) if crop_size else None
        step = Size.from_wh(stride) if stride else window
        if window and step and (step.height > window.height or step.width > window.width):
            raise ConfigError(f"a stride of {step} leaves gaps between windows of {window}; make it smaller")
        return cls(augment, factors, flip_horizontal, flip_vertical, window, step)

    def flips(self) -> Iterator[tuple[int, ...]]:
        """Axes to mirror, one entry a pass: none, W, H, both."""
        yield ()
        if self.augment and self.flip_horizontal:
            yield (3,)
        if self.augment and self.flip_vertical:
            yield (2,)
            if self.flip_horizontal:
                yield (2, 3)


def infer(model: nn.Module, image: Tensor, geometry: Sequence[Geometry], procedure: Procedure) -> Tensor:
    """Logits of one transformed picture at the size it had before its transforms.

    Args:
        model: in evaluation mode; its first output counts.
        image: (1, C, H, W), normalised.
        geometry: what the transforms did to the picture.
        procedure: how to predict.

    Returns:
        (1, num_classes, H0, W0) float32 logits.
    """
    if not procedure.augment:
        return restore(_logits(model, image, procedure), geometry)
    height, width = image.shape[2:]
    total: Tensor | None = None
    passes = 0
    for scale in procedure.scales:
        size = (int(height * scale + 0.5), int(width * scale + 0.5))
        scaled = _resize(image, size)
        for axes in procedure.flips():
            logits = _logits(model, scaled.flip(axes) if axes else scaled, procedure)
            logits = _resize(logits.flip(axes) if axes else logits, (height, width))
            total = logits if total is None else total + logits
            passes += 1
    assert total is not None
    return restore(total / passes, geometry)


def decide(logits: Tensor, *, multilabel: bool = False) -> Tensor:
    """What (N, C, H, W) logits say: (N, H, W) ids of the likeliest classes, of equal ones the first.

    With ``multilabel``: (N, C, H, W) bool, True where the sigmoid of a logit is above one half.
    """
    return logits > 0 if multilabel else logits.argmax(dim=1)


def _logits(model: nn.Module, image: Tensor, procedure: Procedure) -> Tensor:
    if procedure.window is None:
        return model(image)[0].float()
    return _slide(model, image, procedure.window, procedure.stride or procedure.window)


def _slide(model: nn.Module, image: Tensor, window: Size, stride: Size) -> Tensor:
    """Mean of the logits of all windows over a pixel; the last window of a row or column ends at the border."""
    height, width = image.shape[2:]
    total: Tensor | None = None
    count = image.new_zeros((1, 1, height, width))
    for top in _starts(height, window.height, stride.height):
        for left in _starts(width, window.width, stride.width):
            bottom, right = min(top + window.height, height), min(left + window.width, width)
            logits = model(image[:, :, top:bottom, left:right])[0].float()
            if total is None:
                total = logits.new_zeros((1, logits.shape[1], height, width))
            total[:, :, top:bottom, left:right] += logits
            count[:, :, top:bottom, left:right] += 1
    assert total is not None
    return total / count


def _starts(length: int, window: int, stride: int) -> list[int]:
    steps = max(0, -(-(length - window) // stride))
    return [max(0, min(step * stride, length - window)) for step in range(steps + 1)]


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(maps.shape[2:]) == size:
        return maps
    return F.interpolate(maps, size, mode="bilinear", align_corners=False)


def restore(logits: Tensor, geometry: Sequence[Geometry]) -> Tensor:
    """Undo transforms, last first: (N, C, H, W) logits back at the size of the untransformed picture.

    Pixels that a crop threw away come back as 0 for every class.
    """
    for step in reversed(geometry):
        match step:
            case Resized(before):
                logits = _resize(logits, before)
            case Padded(before, top, left):
                logits = logits[:, :, top : top + before.height, left : left + before.width]
            case Cropped(before, top, left):
                canvas = logits.new_zeros((*logits.shape[:2], *before))
                canvas[:, :, top : top + logits.shape[2], left : left + logits.shape[3]] = logits
                logits = canvas
            case Flipped(direction):
                logits = logits.flip(3 if direction == "horizontal" else 2)
            case Warped():
                raise step.refuse()
    return logits
