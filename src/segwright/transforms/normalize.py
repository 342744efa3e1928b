"""From pixel values to the numbers a model was trained on."""

import cv2
import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.registry import TRANSFORMS
from segwright.types import Sample


@TRANSFORMS.register
class Normalize:
    """``(image / 255 - mean) / std`` for each channel, as float32. Goes last.

    Args:
        mean: of the data, in 0..1; one number, or one for each channel.
        std: of the data, on the same scale.

    Raises:
        ConfigError: a standard deviation of 0, or lists whose lengths disagree.
        DataError: when called with an image that has another number of channels.
    """

    def __init__(self, mean: float | tuple[float, ...] = (0.5,), std: float | tuple[float, ...] = (0.5,)) -> None:
        means, stds = np.atleast_1d(np.asarray(mean, np.float64)), np.atleast_1d(np.asarray(std, np.float64))
        counts = {means.size, stds.size}
        if 0 in counts or len(counts - {1}) > 1:
            raise ConfigError(
                f"Normalize wants one mean and std, or one for each channel; got {means.size} mean and {stds.size} std"
            )
        if not stds.all():
            raise ConfigError(f"Normalize.std divides, so none may be 0; got {std!r}")
        self.mean, self.std = (tuple(values.tolist()) for values in (means, stds))
        # With the factor 255 moved out of the pixels' way, one subtraction and one product are left.
        offset, factor = np.broadcast_arrays(255 * means, 1 / (255 * stds))
        self._offset, self._factor = offset.astype(np.float32), factor.astype(np.float32)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        height, width, channels = sample.image.shape
        if self._offset.size not in (1, channels):
            raise DataError(
                f"Normalize has {self._offset.size} means, but the image has {channels} channels; "
                f"give one mean and std, or {channels} of each"
            )
        # Channel by channel: NumPy is slow when its inner loop is over three of them, and models take them apart.
        planes = np.empty((channels, height, width), np.float32)
        offsets, factors = (np.broadcast_to(values, channels) for values in (self._offset, self._factor))
        for plane, values, offset, factor in zip(planes, cv2.split(sample.image), offsets, factors, strict=True):
            plane[...] = values
            plane -= offset
            plane *= factor
        return sample.recoloured(planes.transpose(1, 2, 0))
