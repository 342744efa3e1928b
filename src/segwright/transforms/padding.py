"""A larger canvas with the image in its top left corner."""

import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_size
from segwright.types import Padded, Sample, Size


class Filling:
    """What new pixels are filled with: ``image`` a colour, one number or one for each channel, ``label`` an id.

    Raises:
        ConfigError: a value outside 0..255.
    """

    def __init__(self, where: str, image: float | tuple[float, ...], label: int) -> None:
        self.image = np.atleast_1d(np.asarray(image, dtype=np.float32))
        self.label = label
        if not ((self.image >= 0) & (self.image <= 255)).all():
            raise ConfigError(f"{where}.im_padding_value is a pixel value from 0 to 255; got {image!r}")
        if not 0 <= label <= 255:
            raise ConfigError(f"{where}.label_padding_value is an id from 0 to 255; got {label!r}")

    def extend(self, sample: Sample, size: Size) -> Sample:
        """The sample on a canvas of ``size``, which is nowhere smaller; the same sample if it fills it already."""
        before = Size.of(sample.image)
        if size == before:
            return sample
        colour, channels = self.image, sample.image.shape[2]
        if len(colour) not in (1, channels):
            raise DataError(
                f"im_padding_value holds {len(colour)} numbers, but the image has {channels} channels; "
                f"give one number, or {channels}"
            )
        if sample.image.dtype == np.uint8:
            colour = np.rint(colour)  # half to even, so that the default 127.5 gives 128
        label = None if sample.label is None else on_canvas(sample.label, size, self.label)
        return sample.moved(on_canvas(sample.image, size, colour), label, Padded(before))


def on_canvas(array: np.ndarray, size: Size, value: np.ndarray | float, top: int = 0, left: int = 0) -> np.ndarray:
    """(h, w) or (h, w, C) put at (``top``, ``left``) of a canvas of ``size`` filled with ``value``."""
    height, width = array.shape[:2]
    canvas = np.empty((*size, *array.shape[2:]), dtype=array.dtype)
    for margin in (
        canvas[:top],
        canvas[top + height :],
        canvas[top : top + height, :left],
        canvas[top : top + height, left + width :],
    ):
        margin[...] = value
    canvas[top : top + height, left : left + width] = array
    return canvas


@TRANSFORMS.register
class Padding:
    """Add pixels at the bottom and the right up to a fixed size.

    Args:
        target_size: ``[width, height]`` in pixels; no image may be larger.
        im_padding_value: 0..255, one number or one for each channel; rounded where the image is uint8.
        label_padding_value: id of the new label pixels.

    Raises:
        ConfigError: a size that is not positive, or a value outside 0..255.
        DataError: when called with a larger image.
    """

    def __init__(
        self,
        target_size: tuple[int, int],
        *,
        im_padding_value: float | tuple[float, ...] = 127.5,
        label_padding_value: int = 255,
    ) -> None:
        self.target_size = parse_size("Padding.target_size", target_size)
        self.filling = Filling("Padding", im_padding_value, label_padding_value)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        before = Size.of(sample.image)
        if before.height > self.target_size.height or before.width > self.target_size.width:
            raise DataError(
                f"Padding to {self.target_size} pixels (width x height) met an image of {before}; "
                "put a Resize before it, or raise target_size, which is [width, height]"
            )
        return self.filling.extend(sample, self.target_size)
