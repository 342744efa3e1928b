"""The order of channels that a model wants."""

import numpy as np

from segwright.registry import TRANSFORMS
from segwright.types import Sample


@TRANSFORMS.register
class ReverseChannels:
    """The last channel first: blue, green, red, for models that were trained so. May follow ``Normalize``."""

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:  # noqa: ARG002
        return sample.recoloured(sample.image[:, :, ::-1])
