"""ResNet-vd: residual networks (He et al., 2015, https://arxiv.org/abs/1512.03385) with the tricks of He et al., 2018.

https://arxiv.org/abs/1812.01187 names the tricks: three 3x3 convolutions for the stem (ResNet-C), the stride of a
bottleneck in its 3x3 convolution (ResNet-B), and a shortcut that shrinks by average pooling before its 1x1
convolution (ResNet-D). For segmentation the last stages may dilate instead of shrinking (Chen et al., 2017,
https://arxiv.org/abs/1706.05587).

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded up.
"""

from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.backbones.base import Backbone
from segwright.errors import ConfigError
from segwright.layers import ConvBN, ConvBNReLU, paddle_defaults
from segwright.registry import BACKBONES

STEM_WIDTH = 64
WIDTHS = (64, 128, 256, 512)  # of the 3x3 convolutions in the four stages
DILATIONS = {8: (1, 1, 2, 4), 16: (1, 1, 1, 2), 32: (1, 1, 1, 1)}  # of the stages, by output stride


class ResidualBlock(nn.Module):
    """``relu(body(x) + shortcut(x))``; (N, in_channels, h, w) -> (N, out_channels, h / stride, w / stride).

    Args:
        body: convolutions, the last without activation.
        in_channels: channels of the input.
        out_channels: channels that the body returns.
        stride: by how much the body shrinks, 1 or 2.
        project: whether the shortcut is a 1x1 convolution; else it is the identity.
    """

    def __init__(self, body: nn.Sequential, in_channels: int, out_channels: int, stride: int, project: bool) -> None:
        super().__init__()
        self.paddle_names = {f"conv{index}": f"body.{index}" for index in range(len(body))}
        self.paddle_names["short"] = "shortcut.project"
        self.body = body
        self.shortcut = nn.Sequential()
        if stride > 1:  # odd sizes round up, as in the body, and pixels outside do not count
            self.shortcut.add_module("pool", nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False))
        if project:
            self.shortcut.add_module("project", ConvBN(in_channels, out_channels, 1, padding=0, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return F.relu(self.body(x).add_(self.shortcut(x)), inplace=True)


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions; (N, in_channels, h, w) -> (N, width, h / stride, w / stride)."""

    expansion = 1

    def __init__(self, in_channels: int, width: int, *, stride: int, dilation: int, project: bool) -> None:
        body = nn.Sequential(
            ConvBNReLU(in_channels, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
            ConvBN(width, width, 3, padding=dilation, dilation=dilation, bias=False),
        )
        super().__init__(body, in_channels, width, stride, project)


class Bottleneck(ResidualBlock):
    """Reduce the channels, convolve, expand; (N, in_channels, h, w) -> (N, 4 * width, h / stride, w / stride)."""

    expansion = 4

    def __init__(self, in_channels: int, width: int, *, stride: int, dilation: int, project: bool) -> None:
        out_channels = self.expansion * width
        body = nn.Sequential(
            ConvBNReLU(in_channels, width, 1, padding=0, bias=False),
            ConvBNReLU(width, width, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
            ConvBN(width, out_channels, 1, padding=0, bias=False),
        )
        super().__init__(body, in_channels, out_channels, stride, project)


class ResNetVD(Backbone):
    """Stem, pooling, and four stages of residual blocks, whose feature maps are returned.

    Args:
        output_stride: side of the image over side of the last feature map. A stage that would shrink further
            dilates its convolutions instead.
        multi_grid: further dilation of the blocks of the last stage, one factor for each; entries beyond the last
            block have no meaning, so that two-block stages take the default. A last stage whose first block dilates
            does not shrink.
        in_channels: bands of the input image.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        data_format: order of the dimensions; there is only one.

    Raises:
        ConfigError: no input band, another order of dimensions, or too few or impossible factors in ``multi_grid``.
    """

    block: ClassVar[type[BasicBlock] | type[Bottleneck]]
    depths: ClassVar[tuple[int, int, int, int]]

    def __init__(
        self,
        output_stride: Literal[8, 16, 32] = 8,
        multi_grid: tuple[int, ...] = (1, 1, 1),
        in_channels: int = 3,
        pretrained: str | None = None,
        data_format: Literal["NCHW"] = "NCHW",
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if data_format != "NCHW":
            raise ConfigError(f"{name}: data_format is {data_format!r}, but tensors are NCHW here; leave it out")
        if in_channels < 1:
            raise ConfigError(f"{name}: in_channels is {in_channels}, but a picture has at least one band")
        if len(multi_grid) < self.depths[-1] or min(multi_grid) < 1:
            raise ConfigError(
                f"{name}: multi_grid is {list(multi_grid)}; want a factor of at least 1 for each "
                f"of the {self.depths[-1]} blocks of the last stage, such as [1, 2, 4]"
            )
        self.pretrained = pretrained
        self.feat_channels = tuple(self.block.expansion * width for width in WIDTHS)
        self.paddle_names = {f"conv1_{index + 1}": f"stem.{index}" for index in range(3)}
        self.paddle_names |= {
            f"bb_{stage}_{index}": f"stages.{stage}.{index}"
            for stage, depth in enumerate(self.depths)
            for index in range(depth)
        }

        self.stem = nn.Sequential(
            ConvBNReLU(in_channels, STEM_WIDTH // 2, 3, stride=2, padding=1, bias=False),
            ConvBNReLU(STEM_WIDTH // 2, STEM_WIDTH // 2, 3, padding=1, bias=False),
            ConvBNReLU(STEM_WIDTH // 2, STEM_WIDTH, 3, padding=1, bias=False),
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        *first, last = (
            (dilation,) * depth for dilation, depth in zip(DILATIONS[output_stride], self.depths, strict=True)
        )
        last = tuple(dilation * factor for dilation, factor in zip(last, multi_grid, strict=False))
        self.stages = nn.ModuleList(self._stage(index, dilations) for index, dilations in enumerate((*first, last)))
        self.apply(paddle_defaults)

    def _stage(self, index: int, dilations: tuple[int, ...]) -> nn.Sequential:
        """A block for each dilation; the first one changes the channels and, unless dilated, halves the sides."""
        in_channels = STEM_WIDTH if index == 0 else self.feat_channels[index - 1]
        stride = 2 if index > 0 and dilations[0] == 1 else 1
        first = self.block(in_channels, WIDTHS[index], stride=stride, dilation=dilations[0], project=True)
        rest = (
            self.block(self.feat_channels[index], WIDTHS[index], stride=1, dilation=dilation, project=False)
            for dilation in dilations[1:]
        )
        return nn.Sequential(first, *rest)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> stages 1 to 4 at 1/4, 1/8, 1/16 and 1/32, none beyond the output stride."""
        x = self.pool(self.stem(image))
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


@BACKBONES.register
class ResNet18_vd(ResNetVD):  # noqa: N801
    """18 layers of basic blocks. Arguments: see ``ResNetVD``."""

    block, depths = BasicBlock, (2, 2, 2, 2)


@BACKBONES.register
class ResNet34_vd(ResNetVD):  # noqa: N801
    """34 layers of basic blocks. Arguments: see ``ResNetVD``."""

    block, depths = BasicBlock, (3, 4, 6, 3)


@BACKBONES.register
class ResNet50_vd(ResNetVD):  # noqa: N801
    """50 layers of bottlenecks. Arguments: see ``ResNetVD``."""

    block, depths = Bottleneck, (3, 4, 6, 3)


@BACKBONES.register
class ResNet101_vd(ResNetVD):  # noqa: N801
    """101 layers of bottlenecks. Arguments: see ``ResNetVD``."""

    block, depths = Bottleneck, (3, 4, 23, 3)


@BACKBONES.register
class ResNet152_vd(ResNetVD):  # noqa: N801
    """152 layers of bottlenecks. Arguments: see ``ResNetVD``."""

    block, depths = Bottleneck, (3, 8, 36, 3)
