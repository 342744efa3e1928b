"""From a picture to what the network takes, and from what it gives to a label map of the picture's size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segwright.config import check_arguments, fill_defaults
from segwright.errors import ConfigError, DataError
from segwright.registry import TRANSFORMS
from segwright.transforms import Compose, is_random
from segwright.transforms.inverse import restore_label_map, restore_scores
from segwright.types import Geometry, Sample, Size


@dataclass(frozen=True)
class NetworkInput:
    """One picture, ready for the network.

    Attributes:
        picture: the picture itself, (H, W, 3) uint8, RGB.
        tensor: (C, H, W) float32; the picture itself for a graph that begins with pictures.
        geometry: what the transforms did to the pixels' places.
    """

    picture: np.ndarray
    tensor: np.ndarray
    geometry: tuple[Geometry, ...]

    @property
    def size(self) -> Size:
        """Of the tensor."""
        return Size(*(self.tensor.shape[:2] if self.tensor is self.picture else self.tensor.shape[1:]))

    @classmethod
    def raw(cls, picture: np.ndarray) -> "NetworkInput":
        """For a graph that begins with pictures: (H, W, 3) uint8."""
        check_picture(picture)
        return cls(picture, picture, ())


class Preprocessing:
    """The way from a picture to the network that transform blocks describe. Thread-safe: nothing changes after init.

    Args:
        blocks: transforms as in a configuration, each a ``type`` and keyword arguments.
        to_rgb: whether the network takes red first.
        img_channels: bands that the network takes.
        where: what holds the blocks, to begin messages with.

    Attributes:
        blocks: the transforms with every argument spelled out.
        transforms: the transforms.

    Raises:
        ConfigError: an unknown transform, one that draws at random, or arguments that it does not take.
    """

    def __init__(
        self, blocks: Sequence[dict[str, Any]], *, to_rgb: bool = True, img_channels: int = 3, where: str = "transforms"
    ) -> None:
        self.blocks: list[dict[str, Any]] = []
        transforms = []
        for index, block in enumerate(blocks):
            arguments = dict(block)
            factory = TRANSFORMS.find(str(arguments.pop("type", None)), where=f"{where}[{index}]")
            arguments = check_arguments(
                factory, arguments, lambda *keys, at=f"{where}[{index}]": ".".join((at, *map(str, keys)))
            )
            try:
                transform = factory(**arguments)
            except ConfigError as error:
                raise ConfigError(f"{where}[{index}]: {error}") from error
            if is_random(transform):
                raise ConfigError(
                    f"{where}[{index}]: {block['type']} leaves to chance what the model sees, which a deployed model "
                    "must not; name transforms without it in the configuration's export.transforms"
                )
            transforms.append(transform)
            self.blocks.append({"type": block["type"], **fill_defaults(factory, arguments)})
        self.transforms, self.to_rgb, self.img_channels = transforms, to_rgb, img_channels
        self._compose = Compose(transforms, to_rgb=to_rgb, img_channels=img_channels)

    def __call__(self, image: np.ndarray) -> NetworkInput:
        """(H, W, C) uint8 RGB picture -> the network's input, through float32 as evaluation does it.

        Raises:
            DataError: the array is not of uint8, or has the wrong number of channels.
        """
        check_picture(image)
        sample: Sample = self._compose(image.astype(np.float32), seed=0)
        tensor = np.ascontiguousarray(sample.image.transpose(2, 0, 1), dtype=np.float32)
        return NetworkInput(image, tensor, sample.geometry)


def check_picture(image: np.ndarray) -> None:
    """Fail unless the array is of uint8.

    Raises:
        DataError: it is not.
    """
    if image.dtype != np.uint8:
        raise DataError(f"want a picture as (H, W, 3) uint8, RGB; got {image.dtype} of shape {image.shape}")


def label_map(output: np.ndarray, geometry: tuple[Geometry, ...]) -> np.ndarray:
    """The network's output for one picture -> (H, W) label map at the picture's own size.

    Args:
        output: (H, W) labels, which are brought back by nearest neighbour, or (C, H, W) scores,
            which are brought back bilinearly before the best is taken.
        geometry: what ``Preprocessing`` noted.

    Returns:
        uint8, or int32 where an id exceeds 255.
    """
    if output.ndim == 2:
        label = restore_label_map(output, geometry)
    else:
        label = restore_scores(np.ascontiguousarray(output.transpose(1, 2, 0)), geometry).argmax(axis=2)
    return label.astype(np.uint8 if label.max(initial=0) < 256 else np.int32)
