"""MobileNetV3 (Howard et al., 2019), https://arxiv.org/abs/1905.02244.

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded up.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.backbones.base import Backbone
from segwright.errors import ConfigError
from segwright.layers import BatchNorm2d, DepthwiseConv2d, paddle_defaults
from segwright.registry import BACKBONES

Activation = Callable[..., Tensor]

STEM_WIDTH = 16
SQUEEZE = 4  # channels over those that decide on their weights, in squeeze and excitation


class Layout(NamedTuple):
    """A row of the paper's tables 1 and 2."""

    kernel_size: int
    expanded: int  # channels between the 1x1 convolutions
    channels: int
    squeezes: bool
    activation: Activation
    stride: int
    dilation: int = 1


LARGE = (
    Layout(3, 16, 16, False, F.relu, 1),
    Layout(3, 64, 24, False, F.relu, 2),
    Layout(3, 72, 24, False, F.relu, 1),
    Layout(5, 72, 40, True, F.relu, 2),
    Layout(5, 120, 40, True, F.relu, 1),
    Layout(5, 120, 40, True, F.relu, 1),
    Layout(3, 240, 80, False, F.hardswish, 2),
    Layout(3, 200, 80, False, F.hardswish, 1),
    Layout(3, 184, 80, False, F.hardswish, 1),
    Layout(3, 184, 80, False, F.hardswish, 1),
    Layout(3, 480, 112, True, F.hardswish, 1),
    Layout(3, 672, 112, True, F.hardswish, 1),
    Layout(5, 672, 160, True, F.hardswish, 2),
    Layout(5, 960, 160, True, F.hardswish, 1),
    Layout(5, 960, 160, True, F.hardswish, 1),
)
SMALL = (
    Layout(3, 16, 16, True, F.relu, 2),
    Layout(3, 72, 24, False, F.relu, 2),
    Layout(3, 88, 24, False, F.relu, 1),
    Layout(5, 96, 40, True, F.hardswish, 2),
    Layout(5, 240, 40, True, F.hardswish, 1),
    Layout(5, 240, 40, True, F.hardswish, 1),
    Layout(5, 120, 48, True, F.hardswish, 1),
    Layout(5, 144, 48, True, F.hardswish, 1),
    Layout(5, 288, 96, True, F.hardswish, 2),
    Layout(5, 576, 96, True, F.hardswish, 1),
    Layout(5, 576, 96, True, F.hardswish, 1),
)


class MobileNetV3(Backbone):
    """Inverted residuals, some with squeeze and excitation; the last block at each of four scales is returned.

    Args:
        in_channels: bands of the input image.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Raises:
        ConfigError: no input band.
    """

    paddle_names: ClassVar = {"conv": "stem"}

    layouts: ClassVar[tuple[Layout, ...]]
    returned: ClassVar[tuple[int, ...]]  # indices of blocks
    scale: ClassVar[float]
    output_stride: ClassVar[int] = 32

    def __init__(self, in_channels: int = 3, pretrained: str | None = None) -> None:
        super().__init__()
        if in_channels < 1:
            raise ConfigError(f"{type(self).__name__}: in_channels is {in_channels}; a picture has at least one band")
        self.pretrained = pretrained
        channels = [scaled(layout.channels, self.scale) for layout in self.layouts]
        self.feat_channels = tuple(channels[index] for index in self.returned)

        stem_width = scaled(STEM_WIDTH, self.scale)
        self.stem = ConvBNActivation(
            nn.Conv2d(in_channels, stem_width, 3, stride=2, padding=1, bias=False), F.hardswish
        )
        self.blocks = nn.ModuleList(
            InvertedResidual(before, after, layout, scaled(layout.expanded, self.scale))
            for before, after, layout in zip(
                [stem_width, *channels], channels, dilated(self.layouts, self.output_stride), strict=False
            )
        )
        self.apply(paddle_defaults)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> features at 1/4, 1/8, 1/16 and 1/32, none smaller than ``output_stride`` says."""
        x = self.stem(image)  # 1/2
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.returned:
                features.append(x)
        return features


class InvertedResidual(nn.Module):
    """Expand, convolve each channel, weigh the channels, project; (N, in_channels, h, w) -> (N, out_channels, ...)."""

    paddle_names: ClassVar = {
        "expand_conv": "expand",
        "bottleneck_conv": "depthwise",
        "mid_se": "excite",
        "linear_conv": "project",
    }

    def __init__(self, in_channels: int, out_channels: int, layout: Layout, width: int) -> None:
        super().__init__()
        self.has_shortcut = layout.stride == 1 and in_channels == out_channels
        self.expand = ConvBNActivation(nn.Conv2d(in_channels, width, 1, bias=False), layout.activation)
        self.depthwise = ConvBNActivation(
            DepthwiseConv2d(width, layout.kernel_size, stride=layout.stride, dilation=layout.dilation),
            layout.activation,
        )
        self.excite = SqueezeExcitation(width) if layout.squeezes else nn.Identity()
        self.project = ConvBNActivation(nn.Conv2d(width, out_channels, 1, bias=False), None)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y = self.project(self.excite(self.depthwise(self.expand(x))))
        return x + y if self.has_shortcut else y


class SqueezeExcitation(nn.Module):
    """Weigh each channel by what the whole picture holds (Hu et al., 2017, https://arxiv.org/abs/1709.01507)."""

    paddle_names: ClassVar = {"conv1": "squeeze", "conv2": "excite"}

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // SQUEEZE, 1)
        self.excite = nn.Conv2d(channels // SQUEEZE, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) stays so."""
        weight = self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1))))
        return x * (0.2 * weight + 0.5).clamp(0, 1)  # PaddleSeg's slope; torch's hardsigmoid has 1/6


class ConvBNActivation(nn.Module):
    """Convolution, batch normalisation that weight decay spares, activation."""

    paddle_names: ClassVar = {"bn": "norm"}

    def __init__(self, conv: nn.Conv2d, activation: Activation | None) -> None:
        super().__init__()
        self.conv = conv
        self.norm = UndecayedBatchNorm2d(conv.out_channels)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, h / stride, w / stride), rounded up."""
        x = self.norm(self.conv(x))
        return x if self.activation is None else self.activation(x, inplace=True)


class UndecayedBatchNorm2d(BatchNorm2d):
    """Batch normalisation whose scale and offset an optimiser's L2 decay leaves alone."""

    exempt_from_decay = True


def scaled(channels: int, scale: float) -> int:
    """``channels * scale`` as a multiple of 8, rounded to the nearest but never down by more than a tenth."""
    wanted = channels * scale
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


def dilated(layouts: Sequence[Layout], output_stride: int) -> Iterator[Layout]:
    """Let blocks that would shrink the map below 1/``output_stride`` keep its size, and those behind them dilate."""
    stride, dilation = 2, 1  # behind the stem
    for layout in layouts:
        shrinks = stride * layout.stride <= output_stride
        yield layout._replace(stride=layout.stride if shrinks else 1, dilation=dilation)
        if shrinks:
            stride *= layout.stride
        else:
            dilation *= layout.stride


class MobileNetV3Small(MobileNetV3):
    """The paper's table 2."""

    layouts, returned = SMALL, (0, 2, 7, 10)


class MobileNetV3Large(MobileNetV3):
    """The paper's table 1."""

    layouts, returned = LARGE, (2, 5, 11, 14)


@BACKBONES.register
class MobileNetV3_small_x0_35(MobileNetV3Small):  # noqa: N801 - here and below, names that configs say
    scale = 0.35


@BACKBONES.register
class MobileNetV3_small_x0_5(MobileNetV3Small):  # noqa: N801
    scale = 0.5


@BACKBONES.register
class MobileNetV3_small_x0_75(MobileNetV3Small):  # noqa: N801
    scale = 0.75


@BACKBONES.register
class MobileNetV3_small_x1_0(MobileNetV3Small):  # noqa: N801
    scale = 1.0


@BACKBONES.register
class MobileNetV3_small_x1_0_os8(MobileNetV3_small_x1_0):  # noqa: N801
    output_stride = 8


@BACKBONES.register
class MobileNetV3_small_x1_25(MobileNetV3Small):  # noqa: N801
    scale = 1.25


@BACKBONES.register
class MobileNetV3_large_x0_35(MobileNetV3Large):  # noqa: N801
    scale = 0.35


@BACKBONES.register
class MobileNetV3_large_x0_5(MobileNetV3Large):  # noqa: N801
    scale = 0.5


@BACKBONES.register
class MobileNetV3_large_x0_75(MobileNetV3Large):  # noqa: N801
    scale = 0.75


@BACKBONES.register
class MobileNetV3_large_x1_0(MobileNetV3Large):  # noqa: N801
    scale = 1.0


@BACKBONES.register
class MobileNetV3_large_x1_0_os8(MobileNetV3_large_x1_0):  # noqa: N801
    output_stride = 8


@BACKBONES.register
class MobileNetV3_large_x1_25(MobileNetV3Large):  # noqa: N801
    scale = 1.25
