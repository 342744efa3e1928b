"""Logits for pictures: in one go, averaged over scales and flips, or window by window.

All procedures work on logits, as PaddleSeg's do, and return them at the size of the picture before its transforms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.engine.windows import Blend, in_batches, slide
from segwright.errors import ConfigError, suggest
from segwright.types import Cropped, Flipped, Geometry, Padded, Resized, Size, Warped

BATCH_PIXELS = 1 << 20  # four windows of 512x512; memory stays far below that of one picture of Cityscapes


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
        blend: how much windows count where they overlap: ``uniform``, or ``gaussian``, less towards their borders.
        batch_pixels: windows and flips go through the model together up to so many pixels.
    """

    augment: bool = False
    scales: tuple[float, ...] = (1.0,)
    flip_horizontal: bool = False
    flip_vertical: bool = False
    window: Size | None = None
    stride: Size | None = None
    blend: Blend = "uniform"
    batch_pixels: int = BATCH_PIXELS

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
        blend: Blend = "uniform",
        batch_pixels: int | None = None,
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
        if not is_slide and (crop_size or stride or blend != "uniform"):
            raise ConfigError("crop_size, stride and blend do nothing without --is_slide; add it")
        if is_slide and not crop_size:
            raise ConfigError("--is_slide needs --crop_size WIDTH HEIGHT")
        window = Size.from_wh(crop_size) if crop_size else None
        step = Size.from_wh(stride) if stride else window
        if window and step and (step.height > window.height or step.width > window.width):
            raise ConfigError(f"a stride of {step} leaves gaps between windows of {window}; make it smaller")
        if blend not in get_args(Blend):
            raise ConfigError(f"unknown blend '{blend}'; {suggest(str(blend), get_args(Blend))}")
        if blend != "uniform" and window == step:
            raise ConfigError(
                f"blend {blend} weighs windows where they overlap, which they do not {window} apart; "
                "give a --stride smaller than --crop_size, for example half of it"
            )
        if batch_pixels is None:
            batch_pixels = BATCH_PIXELS
        elif not isinstance(batch_pixels, int) or batch_pixels < 1:
            raise ConfigError(f"batch_pixels is a whole number above 0, got {batch_pixels!r}")
        elif not (is_slide or flip_horizontal or flip_vertical):
            raise ConfigError("batch_pixels does nothing without sliding windows or flips; leave it out")
        return cls(augment, factors, flip_horizontal, flip_vertical, window, step, blend, batch_pixels)

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
    """Logits of transformed pictures at the size they had before their transforms.

    What goes through the model together does not change what is computed, but libraries may add up in another order for
    another number of pictures, so that logits can differ in the last bits.

    Args:
        model: in evaluation mode; its first output counts.
        image: (N, C, H, W), normalised.
        geometry: what the transforms did to these pictures, to all of them the same.
        procedure: how to predict.

    Returns:
        (N, num_classes, H0, W0) float32 logits.
    """
    if not procedure.augment:
        return restore(_logits(model, image, procedure), geometry)
    height, width = image.shape[2:]
    total: Tensor | None = None
    flips = list(procedure.flips())
    for scale in procedure.scales:
        scaled = _resize(image, (int(height * scale + 0.5), int(width * scale + 0.5)))
        together = procedure.batch_pixels // scaled[:, 0].numel()
        parts = in_batches(partial(_logits, model, procedure=procedure), flips, scaled.flip, together)
        for axes, logits in zip(flips, parts, strict=True):
            logits = _resize(logits.flip(axes), (height, width))
            total = logits if total is None else total.add_(logits)
    assert total is not None
    return restore(total.div_(len(procedure.scales) * len(flips)), geometry)


def decide(logits: Tensor, *, multilabel: bool = False) -> Tensor:
    """What (N, C, H, W) logits say: (N, H, W) ids of the likeliest classes, of equal ones the first.

    With ``multilabel``: (N, C, H, W) bool, True where the sigmoid of a logit is above one half.
    """
    return logits > 0 if multilabel else logits.max(dim=1).indices  # as argmax, and several times as fast


def _logits(model: nn.Module, image: Tensor, procedure: Procedure) -> Tensor:
    def predict(views: Tensor) -> Tensor:
        return model(views)[0].float()

    if procedure.window is None:
        return predict(image)
    stride = procedure.stride or procedure.window
    blend, batch_pixels = procedure.blend, procedure.batch_pixels
    return slide(predict, image, procedure.window, stride, blend=blend, batch_pixels=batch_pixels)


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
