"""Random changes of colour."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from segwright.errors import ConfigError, DataError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_probability
from segwright.transforms.pixels import as_bytes
from segwright.types import Sample


def adjust_brightness(image: Image.Image, factor: float) -> Image.Image:
    """0 is black, 1 the original."""
    return _away_from(0, image, factor)


def adjust_contrast(image: Image.Image, factor: float) -> Image.Image:
    """0 is the mean gray, 1 the original."""
    mean = cv2.mean(np.asarray(image.convert("L")))[0]
    return _away_from(int(mean + 0.5), image, factor)


def _away_from(level: int, image: Image.Image, factor: float) -> Image.Image:
    """Pillow's ``Image.blend`` of one gray level and an image: with one level there are only 256 results."""
    values = np.arange(256, dtype=np.float32)
    blended = np.float32(level) + np.float32(factor) * (values - np.float32(level))
    return image.point(np.clip(blended, 0, 255).astype(np.uint8).tolist() * len(image.getbands()))


def adjust_saturation(image: Image.Image, factor: float) -> Image.Image:
    """0 is the gray picture, 1 the original."""
    return ImageEnhance.Color(image).enhance(factor)


def adjust_sharpness(image: Image.Image, factor: float) -> Image.Image:
    """0 is smoothed, 1 the original."""
    return ImageEnhance.Sharpness(image).enhance(factor)


def shift_hue(image: Image.Image, shift: float) -> Image.Image:
    """Turn the colour wheel, which has 256 steps here, by ``shift`` steps.

    The way back to RGB gives Pillow's numbers in half its time: a channel is V (1 - S share(H)), and there are only 256
    shares (https://en.wikipedia.org/wiki/HSL_and_HSV#HSV_to_RGB_alternative).
    """
    hue, saturation, value = cv2.split(np.asarray(image.convert("HSV")))
    sextant = np.trunc(np.arange(256) + shift) % 256 * 6 / 255
    chroma = cv2.multiply(saturation, value, scale=1 / 255, dtype=cv2.CV_32F)
    channels = []
    for start in (5, 3, 1):  # red, green, blue
        place = (start + sextant) % 6
        share = np.clip(np.minimum(place, 4 - place), 0, 1).astype(np.float32)
        channels.append(cv2.subtract(value, cv2.LUT(hue, share) * chroma, dtype=cv2.CV_8U))
    return Image.fromarray(cv2.merge(channels))


@dataclass(frozen=True)
class Adjustment:
    """One way to change an image, how often it is applied, and between which amounts."""

    apply: Callable[[Image.Image, float], Image.Image]
    prob: float
    low: float
    high: float
    needs_colour: bool = False


@TRANSFORMS.register
class RandomDistort:
    """Change brightness, contrast, saturation, sharpness and hue, in random order, each with its own probability.

    A range r lets the factor vary evenly in 1 - r .. 1 + r, where 1 leaves the image as it is; the hue is turned by
    -r .. r of 256 steps. Works on 8-bit values with Pillow's formulas; a float image is cut to whole numbers for
    that and is float again afterwards. A gray image keeps out of saturation and hue.

    Args:
        brightness_range: 0 is black, 1 the original.
        brightness_prob: how often, 0..1.
        contrast_range: 0 is the mean gray, 1 the original.
        contrast_prob: how often, 0..1.
        saturation_range: 0 is the gray picture, 1 the original.
        saturation_prob: how often, 0..1.
        hue_range: in steps of 1/256 of the colour wheel.
        hue_prob: how often, 0..1.
        sharpness_range: 0 is smoothed, 1 the original.
        sharpness_prob: how often, 0..1.

    Raises:
        ConfigError: a negative range, or a probability outside 0..1.
        DataError: when called with an image that has neither 1 nor 3 channels.
    """

    is_random = True

    def __init__(
        self,
        brightness_range: float = 0.5,
        *,
        brightness_prob: float = 0.5,
        contrast_range: float = 0.5,
        contrast_prob: float = 0.5,
        saturation_range: float = 0.5,
        saturation_prob: float = 0.5,
        hue_range: float = 18,
        hue_prob: float = 0.5,
        sharpness_range: float = 0.5,
        sharpness_prob: float = 0,
    ) -> None:
        for name, value in {
            "brightness_range": brightness_range,
            "contrast_range": contrast_range,
            "saturation_range": saturation_range,
            "hue_range": hue_range,
            "sharpness_range": sharpness_range,
        }.items():
            if value < 0:
                raise ConfigError(f"RandomDistort.{name} is 0 (no change) or more; got {value!r}")
        for name, value in {
            "brightness_prob": brightness_prob,
            "contrast_prob": contrast_prob,
            "saturation_prob": saturation_prob,
            "hue_prob": hue_prob,
            "sharpness_prob": sharpness_prob,
        }.items():
            parse_probability(f"RandomDistort.{name}", value)

        def around_one(spread: float) -> tuple[float, float]:
            return 1 - spread, 1 + spread

        self.adjustments = (
            Adjustment(adjust_brightness, brightness_prob, *around_one(brightness_range)),
            Adjustment(adjust_contrast, contrast_prob, *around_one(contrast_range)),
            Adjustment(adjust_saturation, saturation_prob, *around_one(saturation_range), needs_colour=True),
            Adjustment(adjust_sharpness, sharpness_prob, *around_one(sharpness_range)),
            Adjustment(shift_hue, hue_prob, -hue_range, hue_range, needs_colour=True),
        )

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        channels = sample.image.shape[2]
        if channels not in (1, 3):
            raise DataError(
                f"RandomDistort changes colours of 1 or 3 channels, but the image has {channels}; remove it"
            )
        usable = [step for step in self.adjustments if channels == 3 or not step.needs_colour]
        shuffled = [usable[index] for index in rng.permutation(len(usable))]
        chosen = [(step.apply, rng.uniform(step.low, step.high)) for step in shuffled if rng.random() < step.prob]
        if not chosen:
            return sample
        pixels = as_bytes(sample.image)
        picture = Image.fromarray(pixels if channels == 3 else pixels[:, :, 0])
        for apply, amount in chosen:
            picture = apply(picture, amount)
        image = np.asarray(picture).reshape(sample.image.shape).astype(sample.image.dtype, copy=False)
        return sample.recoloured(image)
