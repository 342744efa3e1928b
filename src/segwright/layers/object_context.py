"""Object-contextual representations (Yuan et al., 2019), https://arxiv.org/abs/1909.11065.

Shapes: K classes; pixels and regions are feature vectors, of every pixel and of every class in the picture.
"""

import math

import torch
from torch import Tensor, nn

from segwright.layers.conv import ConvBNReLU
from segwright.layers.initialise import narrow_normal


class ObjectContextHead(nn.Module):
    """Segment coarsely, describe each class in the picture as a whole, and let every pixel look at what there is.

    Args:
        num_classes: K, the classes to predict.
        coarse_channels: channels of the feature map that is segmented coarsely.
        pixel_channels: channels of the feature map that pixels are described by.
        mid_channels: channels of pixels and regions.
        key_channels: channels in which pixels and regions are compared.
        dropout: probability that training drops a channel of the features that are classified.
        bias: whether the convolutions of the attention and of the fusion behind it have a bias.
    """

    def __init__(
        self,
        num_classes: int,
        coarse_channels: int,
        pixel_channels: int,
        *,
        mid_channels: int,
        key_channels: int,
        dropout: float,
        bias: bool,
    ) -> None:
        super().__init__()
        self.coarse = nn.Sequential(
            ConvBNReLU(coarse_channels, coarse_channels, 1), nn.Conv2d(coarse_channels, num_classes, 1)
        )
        self.describe = ConvBNReLU(pixel_channels, mid_channels, 3)
        self.attention = ObjectAttention(mid_channels, key_channels, bias=bias)
        self.fuse = nn.Sequential(ConvBNReLU(2 * mid_channels, mid_channels, 1, bias=bias), nn.Dropout2d(dropout))
        self.classify = nn.Conv2d(mid_channels, num_classes, 1)
        self.apply(narrow_normal)

    def forward(self, coarse_features: Tensor, pixel_features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, those of the coarse segmentation, and the features that the logits come from.

        Args:
            coarse_features: (N, coarse_channels, h, w).
            pixel_features: (N, pixel_channels, h, w).

        Returns:
            (N, K, h, w), (N, K, h, w) and (N, mid_channels, h, w).
        """
        coarse = self.coarse(coarse_features)
        pixels = self.describe(pixel_features)
        context = self.attention(pixels, gather_regions(pixels, coarse))
        features = self.fuse(torch.cat([context, pixels], dim=1))
        return self.classify(features), coarse, features


def gather_regions(pixels: Tensor, logits: Tensor) -> Tensor:
    """Average the pixels once for each class, weighted by a softmax of its logits over the picture.

    Args:
        pixels: (N, C, h, w).
        logits: (N, K, h, w).

    Returns:
        (N, C, K, 1), a feature map with a pixel for each class.
    """
    weights = logits.flatten(2).softmax(dim=2)
    regions = weights @ pixels.flatten(2).transpose(1, 2)  # (N, K, C)
    return regions.transpose(1, 2).unsqueeze(3)


class ObjectAttention(nn.Module):
    """Every pixel receives the average of the regions, weighted by how much it is like each.

    Args:
        channels: channels of pixels and regions.
        key_channels: channels in which they are compared.
        bias: whether the convolutions have a bias.
    """

    def __init__(self, channels: int, key_channels: int, *, bias: bool) -> None:
        super().__init__()
        self.query = nn.Sequential(
            ConvBNReLU(channels, key_channels, 1, bias=bias), ConvBNReLU(key_channels, key_channels, 1, bias=bias)
        )
        self.key = nn.Sequential(
            ConvBNReLU(channels, key_channels, 1, bias=bias), ConvBNReLU(key_channels, key_channels, 1, bias=bias)
        )
        self.value = ConvBNReLU(channels, key_channels, 1, bias=bias)
        self.up = ConvBNReLU(key_channels, channels, 1, bias=bias)

    def forward(self, pixels: Tensor, regions: Tensor) -> Tensor:
        """(N, channels, h, w) pixels and (N, channels, K, 1) regions -> (N, channels, h, w)."""
        query, key, value = (x.flatten(2) for x in (self.query(pixels), self.key(regions), self.value(regions)))
        scores = query.transpose(1, 2) @ key / math.sqrt(key.shape[1])  # (N, h * w, K)
        context = scores.softmax(dim=2) @ value.transpose(1, 2)  # (N, h * w, key_channels)
        return self.up(context.transpose(1, 2).unflatten(2, pixels.shape[2:]))
