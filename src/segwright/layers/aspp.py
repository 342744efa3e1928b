"""Atrous spatial pyramid pooling (Chen et al., 2017, https://arxiv.org/abs/1706.05587, section 3.3)."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.layers.conv import ConvBNReLU
from segwright.layers.separable import SeparableConvBNReLU


class ASPP(nn.Module):
    """Look at the same features through several dilations and through the image's average, and merge the views.

    Args:
        in_channels: channels of the input.
        out_channels: channels of each view and of the output.
        ratios: dilation of each 3x3 convolution; 1 stands for a 1x1 convolution.
        separable: whether the 3x3 convolutions are depthwise separable, as in DeepLabV3+.

    Raises:
        ConfigError: a dilation below 1.
    """

    paddle_names: ClassVar = {"aspp_blocks": "views", "global_avg_pool": "pooled_view", "conv_bn_relu": "merge"}

    def __init__(self, in_channels: int, out_channels: int, ratios: Sequence[int], *, separable: bool) -> None:
        super().__init__()
        if any(ratio < 1 for ratio in ratios):
            raise ConfigError(f"aspp_ratios: dilations are whole numbers from 1, got {list(ratios)}")
        dilated = SeparableConvBNReLU if separable else ConvBNReLU
        self.views = nn.ModuleList(
            ConvBNReLU(in_channels, out_channels, 1)
            if ratio == 1
            else dilated(in_channels, out_channels, 3, padding=ratio, dilation=ratio)
            for ratio in ratios
        )
        self.pooled_view = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvBNReLU(in_channels, out_channels, 1, bias=False))
        self.merge = ConvBNReLU((len(ratios) + 1) * out_channels, out_channels, 1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, h, w)."""
        views = [view(x) for view in self.views]
        views.append(self.pooled_view(x).expand(-1, -1, *x.shape[-2:]))  # one pixel, resized to all
        return self.dropout(self.merge(torch.cat(views, dim=1)))
