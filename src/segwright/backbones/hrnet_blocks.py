"""What HRNet (Wang et al., 2019, https://arxiv.org/abs/1908.07919) is built of."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.layers import ConvBN, ConvBNReLU, PolarizedSelfAttention, resize_to

SE_REDUCTION = 16


class Exchange(nn.Module):
    """Blocks within each stream, then every stream receives the sum of all.

    Args:
        widths: channels of the streams, from fine to coarse.
        num_blocks: blocks of each stream.
        has_se: passed to the blocks.
        use_psa: passed to the blocks.
        padding: passed to the sums.
        align_corners: passed to the sums.
    """

    def __init__(
        self,
        widths: Sequence[int],
        num_blocks: int,
        has_se: bool,
        use_psa: bool,
        padding: int | None,
        align_corners: bool,
    ) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width, has_se=has_se, use_psa=use_psa) for _ in range(num_blocks)))
            for width in widths
        )
        self.sums = nn.ModuleList(StreamSum(widths, target, padding, align_corners) for target in range(len(widths)))

    def forward(self, streams: Sequence[Tensor]) -> list[Tensor]:
        """Maps of the streams, from fine to coarse -> the same shapes."""
        streams = [blocks(x) for blocks, x in zip(self.streams, streams, strict=True)]
        return [add(streams) for add in self.sums]


class StreamSum(nn.Module):
    """All streams, brought to the resolution and channels of one of them, and added.

    Args:
        widths: channels of the streams, from fine to coarse.
        target: the stream whose form the others take.
        padding: of convolutions of stride 2, as ``ConvBN`` takes it.
        align_corners: passed to every bilinear resize.
    """

    def __init__(self, widths: Sequence[int], target: int, padding: int | None, align_corners: bool) -> None:
        super().__init__()
        self.target = target
        self.align_corners = align_corners
        self.paths = nn.ModuleList(_path(widths, source, target, padding) for source in range(len(widths)))

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """Maps of the streams, from fine to coarse -> the shape of the target's."""
        total = streams[self.target]
        for source, (path, x) in enumerate(zip(self.paths, streams, strict=True)):
            if source == self.target:
                continue
            moved = path(x)
            if source > self.target:
                moved = resize_to(moved, total, self.align_corners)
            total = moved.add_(total)
        return F.relu(total, inplace=True)


def _path(widths: Sequence[int], source: int, target: int, padding: int | None) -> nn.Module:
    """What a stream passes on its way to another: to a finer one a projection, to a coarser one halvings."""
    if source == target:
        return nn.Identity()
    if source > target:
        return ConvBN(widths[source], widths[target], 1, bias=False)
    width = widths[source]
    halvings = [ConvBNReLU(width, width, 3, stride=2, padding=padding, bias=False) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, ConvBN(width, widths[target], 3, stride=2, padding=padding, bias=False))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; (N, width, h, w) stays so.

    Args:
        width: channels.
        has_se: whether squeeze and excitation follows the convolutions.
        use_psa: whether polarized self-attention stands between them.
    """

    paddle_names: ClassVar = {"deattn": "attention"}

    def __init__(self, width: int, *, has_se: bool, use_psa: bool) -> None:
        super().__init__()
        self.conv1 = ConvBNReLU(width, width, 3, bias=False)
        self.attention = PolarizedSelfAttention(width) if use_psa else nn.Identity()
        self.conv2 = ConvBN(width, width, 3, bias=False)
        self.se = SqueezeExcitation(width) if has_se else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.relu(self.se(self.conv2(self.attention(self.conv1(x)))).add_(x), inplace=True)


class Bottleneck(nn.Module):
    """Reduce the channels, convolve, expand, and a shortcut; (N, in_channels, h, w) -> (N, 4 * width, h, w).

    Args:
        in_channels: channels of the input. The shortcut is a 1x1 convolution unless they are ``4 * width``.
        width: channels of the 3x3 convolution.
        has_se: whether squeeze and excitation follows the convolutions.
    """

    expansion = 4
    paddle_names: ClassVar = {"conv_down": "shortcut"}

    def __init__(self, in_channels: int, width: int, *, has_se: bool) -> None:
        super().__init__()
        out_channels = self.expansion * width
        self.conv1 = ConvBNReLU(in_channels, width, 1, bias=False)
        self.conv2 = ConvBNReLU(width, width, 3, bias=False)
        self.conv3 = ConvBN(width, out_channels, 1, bias=False)
        self.se = SqueezeExcitation(out_channels) if has_se else nn.Identity()
        self.shortcut = (
            ConvBN(in_channels, out_channels, 1, bias=False) if in_channels != out_channels else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.relu(self.se(self.conv3(self.conv2(self.conv1(x)))).add_(self.shortcut(x)), inplace=True)


class SqueezeExcitation(nn.Module):
    """Weigh channels by what the whole picture holds (Hu et al., 2017, https://arxiv.org/abs/1709.01507).

    (N, channels, h, w) stays so.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // SE_REDUCTION)
        self.excitation = nn.Linear(channels // SE_REDUCTION, channels)
        for linear in (self.squeeze, self.excitation):
            bound = 1 / math.sqrt(linear.in_features)
            nn.init.uniform_(linear.weight, -bound, bound)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        gate = self.excitation(F.relu(self.squeeze(x.mean((2, 3))))).sigmoid()
        return x * gate[:, :, None, None]
