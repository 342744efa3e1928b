"""ANN, asymmetric non-local networks (Zhu et al., 2019), https://arxiv.org/abs/1908.07678.

Shapes: N images of H x W pixels; h x w is the backbone's last feature map. S is the number of windows of the pyramid,
1 + 9 + 36 + 64 = 110 in the paper.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.errors import ConfigError
from segwright.layers import AuxHead, ConvBN, ConvBNReLU, adaptive_average, paddle_defaults, resize_to
from segwright.registry import MODELS

DROPOUT = 0.05  # after each block, and in the auxiliary head


@MODELS.register
class ANN(nn.Module):
    """Attention in which every pixel asks few windows, instead of all other pixels.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: gives the feature maps; the paper's last stages dilate (``output_stride: 8``).
        backbone_indices: the low-level feature map, which also has the auxiliary output, and the high-level one.
        key_value_channels: channels of keys, queries and values.
        inter_channels: channels of the second block.
        psp_size: windows along each side, for each level of the pyramid that keys and values are averaged over.
            PaddleSeg computes with the default whatever is asked for.
        enable_auxiliary_loss: whether an auxiliary output is trained.
        align_corners: passed to the bilinear resize of the logits.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Training outputs come in the order of ``output_names``, which is also the order of ``loss.coef``.

    Raises:
        ConfigError: a feature map that the backbone has not, or a pyramid without windows.
    """

    paddle_names: ClassVar = {
        "head.fusion": "fusion",
        "head.context.0": "reduce",
        "head.context.1": "context",
        "head.cls": "classify",
        "head.auxlayer": "aux",
    }

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        backbone_indices: tuple[int, int] = (2, 3),
        key_value_channels: int = 256,
        inter_channels: int = 512,
        psp_size: tuple[int, ...] = (1, 3, 6, 8),
        enable_auxiliary_loss: bool = True,
        align_corners: bool = False,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        if not psp_size or min(psp_size) < 1:
            raise ConfigError(
                f"psp_size is {list(psp_size)}; want the number of windows along each side for every level of the "
                "pyramid, such as [1, 3, 6, 8]"
            )
        low, high = backbone.channels_at(backbone_indices)
        self.output_names = ("main", "aux") if enable_auxiliary_loss else ("main",)
        self.backbone_indices = backbone_indices
        self.align_corners = align_corners
        self.pretrained = pretrained
        self.fusion = FusionBlock(low, high, key_value_channels, psp_size)
        self.reduce = ConvBNReLU(high, inter_channels, 3)
        self.context = PyramidBlock(inter_channels, key_value_channels, psp_size)
        self.classify = nn.Conv2d(inter_channels, num_classes, 1)
        self.aux = AuxHead(low, low // 2, num_classes, DROPOUT)  # in PaddleSeg's weights even where it is not trained
        self.apply(paddle_defaults)
        self.backbone = backbone  # last, because its weights are drawn already

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits, each (N, num_classes, H, W); only "main" when not training."""
        features = self.backbone(image)
        low, high = (features[index] for index in self.backbone_indices)

        fused = self.fusion(low, high)  # channels of high
        outputs = [self.classify(self.context(self.reduce(fused)))]
        if self.training and "aux" in self.output_names:
            outputs.append(self.aux(low))
        return [resize_to(logits, image, self.align_corners) for logits in outputs]


class FusionBlock(nn.Module):
    """AFNB: high-level pixels ask low-level windows; (N, low, .., ..) and (N, high, h, w) -> (N, high, h, w)."""

    paddle_names: ClassVar = {
        "stages.0.f_query": "query",
        "stages.0.f_key": "key",
        "stages.0": "attention",
        "conv_bn": "fuse",
    }

    def __init__(self, low: int, high: int, key_channels: int, psp_size: tuple[int, ...]) -> None:
        super().__init__()
        self.query = ConvBNReLU(high, key_channels, 1)
        self.key = ConvBNReLU(low, key_channels, 1)
        self.attention = WindowAttention(low, key_channels, high, psp_size)
        self.fuse = ConvBN(2 * high, high, 1)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """See the class."""
        context = self.attention(self.query(high), self.key(low), low)
        return self.dropout(self.fuse(torch.cat([context, high], dim=1)))


class PyramidBlock(nn.Module):
    """APNB: pixels ask windows of the same features, where query and key are one; (N, channels, h, w) stays so."""

    paddle_names: ClassVar = {
        "stages.0.f_query": "query",
        "stages.0.f_key": "key",
        "stages.0": "attention",
        "conv_bn": "fuse",
    }

    def __init__(self, channels: int, key_channels: int, psp_size: tuple[int, ...]) -> None:
        super().__init__()
        self.key = ConvBNReLU(channels, key_channels, 1)
        self.query = self.key  # for its name in weights, where it comes after the key
        self.key.norm.momentum = 1 - (1 - self.key.norm.momentum) ** 2  # PaddleSeg runs it twice, with the same result
        self.attention = WindowAttention(channels, key_channels, channels, psp_size)
        self.fuse = ConvBNReLU(2 * channels, channels, 1)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        key = self.key(x)
        context = self.attention(key, key, x)
        return self.dropout(self.fuse(torch.cat([context, x], dim=1)))


class WindowAttention(nn.Module):
    """Attention over the averages of a pyramid of windows.

    Args:
        in_channels: channels of the features that values are taken from.
        key_channels: channels of queries, keys and values.
        out_channels: channels of the result.
        psp_size: windows along each side, for each level of the pyramid.
    """

    paddle_names: ClassVar = {"f_value": "value", "W": "project"}

    def __init__(self, in_channels: int, key_channels: int, out_channels: int, psp_size: tuple[int, ...]) -> None:
        super().__init__()
        self.psp_size = psp_size
        self.value = nn.Conv2d(in_channels, key_channels, 1)
        self.project = nn.Conv2d(key_channels, out_channels, 1)

    def forward(self, query: Tensor, key: Tensor, x: Tensor) -> Tensor:
        """Queries (N, key_channels, h, w); keys, and the features for values -> (N, out_channels, h, w)."""
        # A convolution of averages is the average of the convolution, but takes S positions instead of all.
        values = self.value(self._windows(x)[..., None])[..., 0]  # (N, key_channels, S)
        scores = query.flatten(2).mT @ self._windows(key) / math.sqrt(key.shape[1])  # (N, h * w, S)
        context = values @ scores.softmax(dim=2).mT  # (N, key_channels, h * w)
        return self.project(context.unflatten(2, query.shape[2:]))

    def _windows(self, x: Tensor) -> Tensor:
        """Averages over all windows of the pyramid; (N, channels, .., ..) -> (N, channels, S)."""
        return torch.cat([adaptive_average(x, bins).flatten(2) for bins in self.psp_size], dim=2)
