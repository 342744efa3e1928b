"""Pyramid pooling (Zhao et al., 2016, https://arxiv.org/abs/1612.01105, section 3.2)."""

import torch
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.layers.adaptive_pooling import adaptive_average
from segwright.layers.conv import ConvBNReLU
from segwright.layers.resize import resize_to


class PyramidPooling(nn.Module):
    """Every pixel gets the averages of the windows around it, from the whole image down to small ones.

    (N, in_channels, h, w) -> (N, out_channels, h, w). Each level of the pyramid is reduced to
    ``in_channels / number of levels`` channels, so that all of them together weigh as much as the features.

    Args:
        in_channels: channels of the features.
        out_channels: channels of the result.
        bin_sizes: windows along each side, for each level.
        align_corners: passed to the resize of each level.

    Raises:
        ConfigError: no level, one without windows, or more levels than channels.
    """

    def __init__(self, in_channels: int, out_channels: int, bin_sizes: tuple[int, ...], align_corners: bool) -> None:
        super().__init__()
        if not bin_sizes or min(bin_sizes) < 1 or len(bin_sizes) > in_channels:
            raise ConfigError(
                f"bin_sizes is {list(bin_sizes)} on {in_channels} channels; want the number of windows along each "
                "side for every level of the pyramid, such as [1, 2, 3, 6]"
            )
        reduced = in_channels // len(bin_sizes)
        self.paddle_names = {f"stages.{level}.1": f"levels.{level}" for level in range(len(bin_sizes))}
        self.paddle_names["conv_bn_relu2"] = "fuse"
        self.bin_sizes = bin_sizes
        self.align_corners = align_corners
        self.levels = nn.ModuleList(ConvBNReLU(in_channels, reduced, 1) for _ in bin_sizes)
        self.fuse = ConvBNReLU(in_channels + reduced * len(bin_sizes), out_channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        context = [
            resize_to(level(adaptive_average(x, bins)), x, self.align_corners)
            for level, bins in zip(self.levels, self.bin_sizes, strict=True)
        ]
        return self.fuse(torch.cat([x, *reversed(context)], dim=1))
