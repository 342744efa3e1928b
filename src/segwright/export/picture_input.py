"""The way from a picture to the network as a part of the graph, so that clients need not know it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.bundle import Preprocessing
from segwright.errors import ConfigError
from segwright.transforms import Normalize, Resize


class PictureInput(nn.Module):
    """(N, H, W, 3) uint8 RGB -> (N, 3, h, w) float32, as ``Preprocessing`` does it but for the rounding of resizing.

    Args:
        preprocess: what is to be done.

    Raises:
        ConfigError: there is more to it than Resize to a fixed size, with linear interpolation, and Normalize.
    """

    offset: Tensor
    factor: Tensor

    def __init__(self, preprocess: Preprocessing) -> None:
        super().__init__()
        self.turned = not preprocess.to_rgb
        rest = list(preprocess.transforms)
        resize = rest.pop(0) if rest and isinstance(rest[0], Resize) and _is_plain(rest[0]) else None
        normalize = rest.pop(0) if rest and isinstance(rest[0], Normalize) else None
        if rest:
            raise ConfigError(
                f"the graph cannot begin with pictures: {type(rest[0]).__name__} is not among what it can do (Resize "
                "to a fixed size with interp LINEAR, then Normalize); with --picture_input False clients do it"
            )
        self.size = resize.target_size if isinstance(resize, Resize) else None
        mean, std = (normalize.mean, normalize.std) if isinstance(normalize, Normalize) else ((0.0,), (1 / 255,))
        self.register_buffer("offset", 255 * torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("factor", 1 / (255 * torch.tensor(std).view(1, -1, 1, 1)))
        if preprocess.img_channels != 3:
            raise ConfigError(
                f"the graph cannot begin with pictures: it takes colour ones, and the model {preprocess.img_channels} "
                "channels; choose --picture_input False"
            )

    def forward(self, picture: Tensor) -> Tensor:
        """What the network takes."""
        image = picture.permute(0, 3, 1, 2).float()
        if self.turned:
            image = image.flip(1)
        if self.size is not None:
            image = F.interpolate(image, size=tuple(self.size), mode="bilinear", align_corners=False)
        return (image - self.offset) * self.factor

    def back(self, output: Tensor, picture: Tensor) -> Tensor:
        """(N, h, w) labels or (N, K, h, w) scores at the picture's own size, as ``label_map`` brings them there."""
        if self.size is None:
            return output
        height, width = picture.shape[1:3]
        if output.ndim == 4:
            return F.interpolate(output, size=(height, width), mode="bilinear", align_corners=False)
        rows, columns = (
            ((2 * torch.arange(after, device=output.device) + 1) * before) // (2 * after)
            for before, after in zip(output.shape[1:], (height, width), strict=True)
        )
        return output.index_select(1, rows).index_select(2, columns)


def _is_plain(resize: Resize) -> bool:
    return not resize.keep_ratio and resize.size_divisor is None and resize.interp == "LINEAR"
