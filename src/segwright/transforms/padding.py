"""A larger canvas around the image."""

import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_size
from segwright.transforms.pixels import as_bytes
from segwright.transforms.resize import INTERPOLATIONS, resize_sample
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

    def colour_for(self, image: np.ndarray) -> np.ndarray:
        """(1,) or (C,) float32 values for new pixels of an (H, W, C) image; whole numbers where it is uint8.

        Raises:
            DataError: the image has another number of channels.
        """
        channels = image.shape[2]
        if len(self.image) not in (1, channels):
            raise DataError(
                f"im_padding_value holds {len(self.image)} numbers, but the image has {channels} channels; "
                f"give one number, or {channels}"
            )
        # Half to even, so that the default 127.5 gives 128.
        return np.rint(self.image) if image.dtype == np.uint8 else self.image

    def extend(self, sample: Sample, size: Size, top: int = 0, left: int = 0) -> Sample:
        """The sample at (``top``, ``left``) of a canvas of ``size``, which is nowhere smaller.

        The same sample if it fills it already.
        """
        before = Size.of(sample.image)
        if size == before:
            return sample
        image = on_canvas(sample.image, size, self.colour_for(sample.image), top, left)
        return sample.moved(
            image, lambda label: on_canvas(label, size, self.label, top, left), Padded(before, top, left)
        )


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


@TRANSFORMS.register
class PaddingByAspectRatio:
    """Add pixels at the bottom or the right until the sides have a given ratio.

    Args:
        aspect_ratio: width / height of the result.
        im_padding_value: 0..255, one number or one for each channel; rounded where the image is uint8.
        label_padding_value: id of the new label pixels.

    Raises:
        ConfigError: a ratio that is not positive, or a value outside 0..255.
    """

    def __init__(
        self,
        aspect_ratio: float = 1,
        im_padding_value: float | tuple[float, ...] = 127.5,
        label_padding_value: int = 255,
    ) -> None:
        if aspect_ratio <= 0:
            raise ConfigError(f"PaddingByAspectRatio.aspect_ratio is width / height, above 0; got {aspect_ratio!r}")
        self.aspect_ratio = aspect_ratio
        self.filling = Filling("PaddingByAspectRatio", im_padding_value, label_padding_value)

    def size_for(self, before: Size) -> Size:
        """The canvas that an image of size ``before`` gets."""
        height, width = before
        if width / height > self.aspect_ratio:
            return Size(max(int(width / self.aspect_ratio), height), width)
        return Size(height, max(int(height * self.aspect_ratio), width))

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        return self.filling.extend(sample, self.size_for(Size.of(sample.image)))


@TRANSFORMS.register
class ScalePadding:
    """Put the image into the middle of a square canvas and resample that to a fixed size.

    Image pixels are 8-bit values and cubic between them; a float image is cut to whole numbers for that and is float
    again afterwards. Label pixels are nearest. (PaddleSeg resamples label maps by cubic interpolation too, which makes
    ids that no pixel had.)

    Args:
        target_size: ``[width, height]`` in pixels.
        im_padding_value: 0..255, one number or one for each channel, without what follows the decimal point.
        label_padding_value: id of the new label pixels.

    Raises:
        ConfigError: a size that is not positive, or a value outside 0..255.
    """

    def __init__(
        self,
        target_size: tuple[int, int] = (512, 512),
        im_padding_value: float | tuple[float, ...] = 127.5,
        label_padding_value: int = 255,
    ) -> None:
        self.target_size = parse_size("ScalePadding.target_size", target_size)
        self.filling = Filling("ScalePadding", im_padding_value, label_padding_value)
        self.filling.image = np.floor(self.filling.image)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        before = Size.of(sample.image)
        square = Size(max(before), max(before))
        top, left = (square.height - before.height) // 2, (square.width - before.width) // 2
        padded = self.filling.extend(sample.recoloured(as_bytes(sample.image)), square, top, left)
        resized = resize_sample(padded, self.target_size, INTERPOLATIONS["CUBIC"])
        return resized.recoloured(resized.image.astype(sample.image.dtype, copy=False))
