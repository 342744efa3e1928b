"""From pixel values to the numbers a model was trained on."""

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
        self._offset, self._factor = np.broadcast_arrays(255 * means, 1 / (255 * stds))

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        height, width, channels = sample.image.shape
        if self._offset.size not in (1, channels):
            raise DataError(
                f"Normalize has {self._offset.size} means, but the image has {channels} channels; "
                f"give one mean and std, or {channels} of each"
            )
        # A whole row at a time: NumPy is ten times slower when its inner loop is over three channels.
        offset, factor = (
            np.tile(values.astype(np.float32), width * channels // values.size)
            for values in (self._offset, self._factor)
        )
        image = np.subtract(sample.image.reshape(height, -1), offset, dtype=np.float32)
        image *= factor
        return sample.recoloured(image.reshape(height, width, channels))
