"""MobileNetV2 (Sandler et al., 2018), https://arxiv.org/abs/1801.04381.

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded up.
"""

from typing import ClassVar, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.backbones.base import Backbone
from segwright.errors import ConfigError
from segwright.layers import ConvBN, paddle_defaults
from segwright.registry import BACKBONES

STEM_WIDTH = 32


class Stage(NamedTuple):
    """A row of the paper's table 2."""

    expansion: int  # of a block's channels on their way
    channels: int
    num_blocks: int
    stride: int  # of the first block


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)
RETURNED = (1, 2, 4, 6)  # the last stages at 1/4, 1/8, 1/16 and 1/32


class MobileNetV2(Backbone):
    """Seven stages of inverted residuals, of which the last at each of four scales are returned.

    Args:
        in_channels: bands of the input image.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Raises:
        ConfigError: no input band.
    """

    scale: ClassVar[float]

    def __init__(self, in_channels: int = 3, pretrained: str | None = None) -> None:
        super().__init__()
        if in_channels < 1:
            raise ConfigError(f"{type(self).__name__}: in_channels is {in_channels}; a picture has at least one band")
        self.pretrained = pretrained
        self.paddle_names = {"conv1": "stem"}
        stem_width, *widths = (int(channels * self.scale) for channels in (STEM_WIDTH, *(s.channels for s in STAGES)))
        self.feat_channels = tuple(widths[index] for index in RETURNED)

        self.stem = ConvBNReLU6(in_channels, stem_width, 3, stride=2)
        self.stages = nn.ModuleList()
        for index, (stage, before, after) in enumerate(zip(STAGES, [stem_width, *widths], widths, strict=False)):
            blocks = [InvertedResidual(before, after, stage.expansion, stage.stride)]
            blocks += [InvertedResidual(after, after, stage.expansion, 1) for _ in range(1, stage.num_blocks)]
            self.stages.append(nn.Sequential(*blocks))

            theirs = f"conv{index + 2}"
            self.paddle_names[f"{theirs}._first_block"] = f"stages.{index}.0"
            for number in range(1, stage.num_blocks):
                self.paddle_names[f"{theirs}.{theirs}_{number + 1}"] = f"stages.{index}.{number}"
        self.apply(paddle_defaults)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> features at 1/4, 1/8, 1/16 and 1/32."""
        x = self.stem(image)  # 1/2
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in RETURNED:
                features.append(x)
        return features


class InvertedResidual(nn.Module):
    """Expand, convolve each channel, project; (N, in_channels, h, w) -> (N, out_channels, h / stride, w / stride)."""

    paddle_names: ClassVar = {"_expand_conv": "expand", "_bottleneck_conv": "depthwise", "_linear_conv": "project"}

    def __init__(self, in_channels: int, out_channels: int, expansion: int, stride: int) -> None:
        super().__init__()
        width = in_channels * expansion
        self.has_shortcut = stride == 1 and in_channels == out_channels
        self.expand = ConvBNReLU6(in_channels, width, 1)
        self.depthwise = ConvBNReLU6(width, width, 3, stride=stride, groups=width)
        self.project = ConvBN(width, out_channels, 1, padding=0, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.has_shortcut else y


class ConvBNReLU6(ConvBN):
    """Convolution padded alike on all sides, batch normalisation, and a ReLU that stops at 6."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride=stride, padding=kernel_size // 2, groups=groups, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, out_channels, h / stride, w / stride), rounded up, from 0 to 6."""
        return F.relu6(super().forward(x), inplace=True)


@BACKBONES.register
class MobileNetV2_x0_25(MobileNetV2):  # noqa: N801 - here and below, names that configs say
    scale = 0.25


@BACKBONES.register
class MobileNetV2_x0_5(MobileNetV2):  # noqa: N801
    scale = 0.5


@BACKBONES.register
class MobileNetV2_x0_75(MobileNetV2):  # noqa: N801
    scale = 0.75


@BACKBONES.register
class MobileNetV2_x1_0(MobileNetV2):  # noqa: N801
    scale = 1.0


@BACKBONES.register
class MobileNetV2_x1_5(MobileNetV2):  # noqa: N801
    scale = 1.5


@BACKBONES.register
class MobileNetV2_x2_0(MobileNetV2):  # noqa: N801
    scale = 2.0
