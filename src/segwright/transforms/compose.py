"""Transforms in a row, from a file or an array to what the model takes."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.images import read_image, read_label
from segwright.transforms.channels import ReverseChannels
from segwright.transforms.normalize import Normalize
from segwright.transforms.scaled_crop import without_waste
from segwright.transforms.targets import AddMultiLabelAuxiliaryCategory, LabelTransform
from segwright.types import Sample, Size

logger = logging.getLogger("segwright")


class Transform(Protocol):
    """One step: a new sample from a sample. Changes neither itself nor its input, and draws only from ``rng``.

    A transform may have two attributes: ``is_random``, True if what it does is left to chance, and ``is_invertible``,
    False if a prediction for its result cannot be brought back to the image's pixels.
    """

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample: ...


class Compose:
    """Apply transforms in order.

    Args:
        transforms: callables as ``Transform`` describes; a list may be empty.
        to_rgb: channel order of the result: RGB, or BGR where a model was trained so.
        img_channels: channels of the result. 1 turns colour to gray, 3 repeats gray three times; other numbers must be
            those of the image.

    Attributes:
        transforms: the list of them.

    Raises:
        ConfigError: an entry is not a transform, or ``img_channels`` is not positive.
    """

    def __init__(self, transforms: Sequence[Transform], to_rgb: bool = True, img_channels: int = 3) -> None:
        if not isinstance(transforms, Sequence) or isinstance(transforms, str):
            raise ConfigError(f"transforms is a list of transforms; got {transforms!r}")
        for index, transform in enumerate(transforms):
            if isinstance(transform, type):
                name = transform.__name__
                raise ConfigError(
                    f"transforms[{index}] is the class {name}; write {name}(...) to make a transform of it"
                )
            if not callable(transform):
                raise ConfigError(
                    f"transforms[{index}] is not a transform but {transform!r}; use build_transforms for YAML"
                )
        if img_channels < 1:
            raise ConfigError(f"img_channels is a whole number above zero; got {img_channels!r}")
        self.transforms = list(transforms)
        self.to_rgb = to_rgb
        self.img_channels = img_channels
        for transform, successor in zip(self.transforms, self.transforms[1:], strict=False):
            if isinstance(transform, Normalize) and not isinstance(successor, LabelTransform | ReverseChannels):
                logger.warning(
                    "Normalize should be the last transform, but %s follows it and meets values outside 0..255",
                    type(successor).__name__,
                )

    def __call__(
        self,
        image: np.ndarray | Path | str | bytes,
        label: np.ndarray | Path | str | bytes | None = None,
        *,
        seed: int | None = None,
        rng: np.random.Generator | None = None,
        multilabel: bool = False,
    ) -> Sample:
        """Transform one image, and the label with it.

        Args:
            image: RGB (H, W, C) or gray (H, W), uint8 or float32 in 0..255, which keeps its dtype until ``Normalize``;
                or an image file, read as float32.
            label: (H, W) class ids or a file of them, or with ``multilabel`` an (H, W, K) array; of the image's size.
            seed: for the random transforms; the same seed gives the same sample.
            rng: the generator itself, in place of a seed. Without either, every call differs.
            multilabel: the label is K maps of 0 and 1, one for each class.

        Returns:
            A sample whose image is (H, W, ``img_channels``) and whose label is (H, W), (H, W, K) or None.

        Raises:
            DataError: an array that is no image or no label map, the wrong number of channels, or sizes that differ.
            ConfigError: both ``seed`` and ``rng``.
        """
        if rng is None:
            rng = np.random.default_rng(seed)
        elif seed is not None:
            raise ConfigError("give a seed or a generator (rng), not both")
        sample = Sample(self._load_image(image), None if label is None else _load_label(label, multilabel))
        if sample.label is not None:
            _check_sizes(sample.image, sample.label, _name(image, "the image"), _name(label, "the label map"))
        for transform in without_waste(self.transforms):
            sample = transform(sample, rng)
        return sample

    @property
    def auxiliary(self) -> list[AddMultiLabelAuxiliaryCategory]:
        """The transforms that put a class before those that multi-label files hold."""
        return [transform for transform in self.transforms if isinstance(transform, AddMultiLabelAuxiliaryCategory)]

    def check_for_prediction(self) -> None:
        """See whether these transforms are fit for pictures whose prediction matters; chance is warned of.

        Raises:
            ConfigError: a prediction could not be brought back to the picture's pixels.
        """
        for transform in self.transforms:
            name = type(transform).__name__
            if not getattr(transform, "is_invertible", True):
                raise ConfigError(
                    f"{name} is for training only: no prediction could be brought back to the pixels of its picture; "
                    "remove it from the transforms for evaluation and prediction"
                )
            if is_random(transform):
                logger.warning(
                    "%s leaves to chance what the model sees, in evaluation or prediction too: is it meant for "
                    "training only?",
                    name,
                )

    def _load_image(self, source: np.ndarray | Path | str | bytes) -> np.ndarray:
        if not isinstance(source, np.ndarray):
            # float32, so that resampling a file does not round to whole pixel values
            return self._with_channels(read_image(source), _name(source, "the image")).astype(np.float32)
        if source.ndim not in (2, 3) or source.size == 0:
            raise DataError(f"an image array is (H, W, C), or (H, W) if gray; got the shape {source.shape}")
        if source.dtype == np.float64:
            source = source.astype(np.float32)
        if source.dtype not in (np.uint8, np.float32):
            raise DataError(
                f"an image array is uint8, or float32 in 0..255; got {source.dtype}; scale it to one of them"
            )
        return self._with_channels(source if source.ndim == 3 else source[:, :, np.newaxis], "the image")

    def _with_channels(self, image: np.ndarray, name: str) -> np.ndarray:
        """(H, W, C) RGB or gray to (H, W, ``img_channels``) in the order that ``to_rgb`` asks for."""
        match image.shape[2], self.img_channels:
            case 3, 1:
                return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, np.newaxis]
            case 1, 3:
                return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
            case 3, 3 if not self.to_rgb:
                return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
            case found, wanted if found != wanted:
                raise DataError(
                    f"{name} has {found} channels, but img_channels is {wanted}; "
                    f"set img_channels to {found} for the dataset and the model, or convert the image"
                )
        return image


def is_random(transform: Transform) -> bool:
    """Whether the transform, with the arguments it has, may treat equal images differently."""
    return getattr(transform, "is_random", False)


def _name(source: object, if_array: str) -> str:
    return str(source) if isinstance(source, str | Path) else if_array


def _load_label(source: np.ndarray | Path | str | bytes, multilabel: bool) -> np.ndarray:
    label = source if isinstance(source, np.ndarray) else read_label(source)
    if label.ndim != 2 + multilabel or label.dtype.kind not in "iu":
        shape = "(H, W, K) with multilabel" if multilabel else "(H, W), or (H, W, K) with multilabel=True"
        raise DataError(
            f"a label map is an array of whole numbers of shape {shape}; got {label.dtype} of shape {label.shape}"
        )
    return label if label.dtype.itemsize < 4 else label.astype(np.int32, copy=False)  # OpenCV has no wider type


def _check_sizes(image: np.ndarray, label: np.ndarray, image_name: str, label_name: str) -> None:
    image_size, label_size = Size.of(image), Size.of(label)
    if image_size == label_size:
        return
    turned = image_size == label_size[::-1]
    cause = (
        "one of them is turned by 90 degrees (an EXIF orientation, or swapped axes)" if turned else "they must agree"
    )
    raise DataError(
        f"{image_name} has {image_size} pixels (width x height), {label_name} has {label_size}; {cause}. "
        "Write the label map again at the image's size"
    )
