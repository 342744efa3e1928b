"""Random rotation, scale and shift. For training: a prediction cannot be brought back from there."""

import cv2
import numpy as np

from segwright.errors import ConfigError
from segwright.registry import TRANSFORMS
from segwright.transforms.arguments import parse_size
from segwright.transforms.padding import Filling
from segwright.types import Sample, Size, Warped

STEPS = 32  # between two pixels: how finely OpenCV 4 interpolates
PRECISION = 1024  # fractions of a pixel that it computes places in


@TRANSFORMS.register
class RandomRotation:
    """Rotate around the middle by a random angle; the canvas grows so that nothing is cut off.

    Args:
        max_rotation: largest angle to either side, in degrees; 0 turns the transform off.
        im_padding_value: colour of the corners, 0..255, one number or one for each channel.
        label_padding_value: id of the corners in the label map.

    Raises:
        ConfigError: a negative angle, or a value outside 0..255.
    """

    is_random = True
    is_invertible = False

    def __init__(
        self,
        max_rotation: float = 15,
        im_padding_value: float | tuple[float, ...] = 127.5,
        label_padding_value: int = 255,
    ) -> None:
        if max_rotation < 0:
            raise ConfigError(f"RandomRotation.max_rotation is 0 (off) or more degrees; got {max_rotation!r}")
        self.max_rotation = max_rotation
        self.filling = Filling("RandomRotation", im_padding_value, label_padding_value)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        if self.max_rotation == 0:
            return sample
        height, width = Size.of(sample.image)
        centre = np.array([width // 2, height // 2])
        matrix = cv2.getRotationMatrix2D(centre.tolist(), rng.uniform(-self.max_rotation, self.max_rotation), 1.0)
        cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
        canvas = Size(height=max(int(height * cos + width * sin), 1), width=max(int(height * sin + width * cos), 1))
        matrix[:, 2] += np.array([canvas.width, canvas.height]) / 2 - centre
        return warp_sample(sample, matrix, canvas, self.filling)


@TRANSFORMS.register
class RandomAffine:
    """Fit the image to a fixed size, and rotate, scale and shift it at random.

    Args:
        size: ``[width, height]`` of the result, in pixels.
        translation_offset: largest shift in each direction, in pixels.
        max_rotation: largest angle to either side, in degrees.
        min_scale_factor: smallest size; 1 is the mean of the two factors by which the image's sides become ``size``.
        max_scale_factor: largest size.
        im_padding_value: colour where there is no image, 0..255, one number or one for each channel.
        label_padding_value: id of these pixels in the label map.

    Raises:
        ConfigError: a size or factors that are not positive, or in the wrong order, or a negative angle or shift, or a
            padding value outside 0..255.
    """

    is_random = True
    is_invertible = False

    def __init__(
        self,
        size: tuple[int, int] = (224, 224),
        translation_offset: float = 0,
        max_rotation: float = 15,
        min_scale_factor: float = 0.75,
        max_scale_factor: float = 1.25,
        im_padding_value: float | tuple[float, ...] = 128,
        label_padding_value: int = 255,
    ) -> None:
        if not 0 < min_scale_factor <= max_scale_factor:
            raise ConfigError(
                "RandomAffine wants 0 < min_scale_factor <= max_scale_factor; "
                f"got {min_scale_factor!r} and {max_scale_factor!r}"
            )
        for name, value in {"translation_offset": translation_offset, "max_rotation": max_rotation}.items():
            if value < 0:
                raise ConfigError(f"RandomAffine.{name} is 0 (off) or more; got {value!r}")
        self.size = parse_size("RandomAffine.size", size)
        self.translation_offset = translation_offset
        self.max_rotation = max_rotation
        self.low, self.high = min_scale_factor, max_scale_factor
        self.filling = Filling("RandomAffine", im_padding_value, label_padding_value)

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        after = np.array([self.size.width, self.size.height])
        last = np.array(sample.image.shape[1::-1]) - 1  # x and y of the last pixel
        shift = [rng.uniform(-self.translation_offset, self.translation_offset) for _ in range(2)]
        angle = rng.uniform(-self.max_rotation, self.max_rotation)
        scale = rng.uniform(self.low, self.high) * np.mean(after / np.maximum(last, 1))
        matrix = cv2.getRotationMatrix2D((after / 2 + shift).tolist(), angle, scale)
        matrix[:, 2] += matrix[:, :2] @ ((after - last) / 2)  # the image's middle goes to the canvas's, before all that
        return warp_sample(sample, matrix, self.size, self.filling)


def warp_sample(sample: Sample, matrix: np.ndarray, size: Size, filling: Filling) -> Sample:
    """The sample on a canvas of ``size``, its pixels moved by a (2, 3) matrix: bilinear images, nearest labels."""
    image = warp(sample.image, matrix, size, cv2.INTER_LINEAR, filling.colour_for(sample.image))

    def move(label: np.ndarray) -> np.ndarray:
        return warp(label, matrix, size, cv2.INTER_NEAREST, np.array([filling.label]))

    return sample.moved(image, move, Warped(Size.of(sample.image)))


def warp(array: np.ndarray, matrix: np.ndarray, size: Size, interpolation: int, fill: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, C) with its pixels moved by a (2, 3) matrix, as OpenCV 4's ``warpAffine`` does it to the bit.

    OpenCV 5 does not round the places it reads from, which changes a noisy image by several grey levels. So they are
    computed here, and the same training is the same with any version.

    Args:
        array: any dtype that images or label maps have.
        matrix: takes (x, y, 1) of ``array`` to (x, y) of the result.
        size: of the result.
        interpolation: an OpenCV flag, linear or nearest.
        fill: one value, or one for each channel, for places outside of ``array``.
    """
    if array.dtype.itemsize == 4 and array.dtype.kind == "i":  # OpenCV cannot move whole numbers of this width
        return warp(array.astype(np.float64), matrix, size, interpolation, fill).astype(array.dtype)
    if array.ndim == 3 and array.shape[2] > 4:  # OpenCV fills with four values at most
        values = np.broadcast_to(fill, array.shape[2])
        starts = range(0, array.shape[2], 4)
        parts = [warp(array[:, :, i : i + 4], matrix, size, interpolation, values[i : i + 4]) for i in starts]
        return np.concatenate(parts, axis=2)
    inverse = cv2.invertAffineTransform(matrix)
    steps = STEPS if interpolation == cv2.INTER_LINEAR else 1
    columns = np.rint(inverse[:, :1] * np.arange(size.width) * PRECISION).astype(np.int32)
    rows = np.rint((inverse[:, 1:2] * np.arange(size.height) + inverse[:, 2:]) * PRECISION).astype(np.int32)
    rows += PRECISION // steps // 2  # for rounding
    x, y = (
        (np.add.outer(*axis) // (PRECISION // steps)).astype(np.float32) / np.float32(steps)
        for axis in zip(rows, columns, strict=True)
    )
    pixels, fractions = cv2.convertMaps(x, y, cv2.CV_16SC2, nninterpolation=steps == 1)
    colour = fill.astype(np.float64).tolist() * (4 if len(fill) == 1 else 1)
    warped = cv2.remap(array, pixels, fractions, interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=colour)
    return warped.reshape(*size, *array.shape[2:])  # OpenCV drops a channel axis of length 1
