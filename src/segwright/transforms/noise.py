"""Random noise."""

import numpy as np

from segwright.errors import ConfigError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_probability
from segwright.types import Sample


@TRANSFORMS.register
class RandomNoise:
    """Add independent normal noise to every value, with a standard deviation that is drawn for each image.

    Values stay within 0..255, and whole numbers where the image is uint8.

    Args:
        prob: how often, 0..1.
        max_sigma: largest standard deviation, in grey levels.

    Raises:
        ConfigError: ``prob`` is not a probability, or ``max_sigma`` is negative.
    """

    is_random = True

    def __init__(self, prob: float = 0.5, max_sigma: float = 10.0) -> None:
        if max_sigma < 0:
            raise ConfigError(f"RandomNoise.max_sigma is 0 (no noise) or more; got {max_sigma!r}")
        self.prob = parse_probability("RandomNoise.prob", prob)
        self.max_sigma = max_sigma

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if rng.random() >= self.prob:
            return sample
        sigma = rng.uniform(0, self.max_sigma)
        noisy = rng.standard_normal(sample.image.shape, dtype=np.float32)
        noisy *= sigma
        noisy += sample.image
        np.clip(noisy, 0, 255, out=noisy)
        if sample.image.dtype == np.uint8:
            np.rint(noisy, out=noisy)
        return sample.recoloured(noisy.astype(sample.image.dtype, copy=False))
