"""Xception (Chollet, 2017, https://arxiv.org/abs/1610.02357) as DeepLabV3+ changed it.

The changes are told in section 3.2 of https://arxiv.org/abs/1802.02611: strides in place of pooling, and batch
normalisation after every depthwise convolution.

Shapes: N images of H x W pixels. "1/4" is a feature map of H/4 x W/4, rounded up.
"""

import logging
from itertools import pairwise
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.backbones.base import Backbone
from segwright.errors import ConfigError
from segwright.layers import BatchNorm2d, paddle_defaults
from segwright.registry import BACKBONES

log = logging.getLogger("segwright")

STEM_WIDTHS = (32, 64)
MIDDLE_WIDTH = 728
EXIT_WIDTHS = (1024, 1536, 1536, 2048)


class Xception(Backbone):
    """Separable convolutions in threes, which make up an entry, a middle and an exit flow; subclasses say how many.

    There are two feature maps: (N, 128, 1/4) of the first block, and (N, 2048, 1/16) of the exit flow.

    Args:
        in_channels: bands of the input image.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        output_stride: with 32 the exit flow halves the resolution once more than with 16. 8 is the same as 16 and
            logs a warning: PaddleSeg takes it, but halves as often, so the weights that it trained want that.

    Raises:
        ConfigError: no input band.
    """

    variant: ClassVar[str]  # as PaddleSeg calls it in the names of variables
    entry_widths: ClassVar[tuple[int, ...]] = (128, 256, MIDDLE_WIDTH)
    num_middle_blocks: ClassVar[int]

    def __init__(
        self, in_channels: int = 3, pretrained: str | None = None, output_stride: Literal[8, 16, 32] = 16
    ) -> None:
        super().__init__()
        if in_channels < 1:
            raise ConfigError(f"{type(self).__name__}: in_channels is {in_channels}; a picture has at least one band")
        if output_stride == 8:
            log.warning(
                "%s: output_stride 8 is the same as 16, in PaddleSeg and hence here; write 16", type(self).__name__
            )
        self.pretrained = pretrained
        self.feat_channels = (self.entry_widths[0], EXIT_WIDTHS[-1])
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, STEM_WIDTHS[0], 3, stride=2, padding=1, bias=False),
            normalisation(STEM_WIDTHS[0]),
            nn.ReLU(inplace=True),
            nn.Conv2d(*STEM_WIDTHS, 3, padding=1, bias=False),
            normalisation(STEM_WIDTHS[1]),
            nn.ReLU(inplace=True),
        )
        self.entry = nn.ModuleList(
            XceptionBlock((before, width, width, width), stride=2, project=True)
            for before, width in pairwise((STEM_WIDTHS[1], *self.entry_widths))
        )
        self.middle = nn.Sequential(
            *(XceptionBlock((MIDDLE_WIDTH,) * 4, stride=1, project=False) for _ in range(self.num_middle_blocks))
        )
        self.exit_block = XceptionBlock(
            (MIDDLE_WIDTH, MIDDLE_WIDTH, EXIT_WIDTHS[0], EXIT_WIDTHS[0]),
            stride=2 if output_stride == 32 else 1,
            project=True,
        )
        self.exit_convs = nn.Sequential(
            *(SeparableConv(before, after, dilation=2, activate=True) for before, after in pairwise(EXIT_WIDTHS))
        )
        self.paddle_names = self._paddle_names()
        self.apply(paddle_defaults)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> two maps, see the class."""
        first, *others = self.entry
        x = fine = first(self.stem(image))
        for block in others:
            x = block(x)
        return [fine, self.exit_convs(self.exit_block(self.middle(x)))]

    def _paddle_names(self) -> dict[str, str]:
        return {
            "_conv1._conv": "stem.0",
            "_conv1._bn": "stem.1",
            "_conv2._conv": "stem.3",
            "_conv2._bn": "stem.4",
            **{f"{self.variant}/entry_flow/block{i + 1}": f"entry.{i}" for i in range(len(self.entry))},
            **{f"{self.variant}/middle_flow/block{i + 1}": f"middle.{i}" for i in range(len(self.middle))},
            "_exit_flow_1": "exit_block",
            **{f"_exit_flow_2._conv{i + 1}": f"exit_convs.{i}" for i in range(len(self.exit_convs))},
        }


@BACKBONES.register
class Xception41_deeplab(Xception):  # noqa: N801 - PaddleSeg's name
    """``Xception`` of 41 convolutions."""

    variant = "xception_41"
    num_middle_blocks = 8


@BACKBONES.register
class Xception65_deeplab(Xception):  # noqa: N801
    """``Xception`` of 65 convolutions."""

    variant = "xception_65"
    num_middle_blocks = 16


@BACKBONES.register
class Xception71_deeplab(Xception):  # noqa: N801
    """``Xception`` of 71 convolutions.

    Its two additional entry blocks halve the resolution too, as in PaddleSeg, though not in the paper: the second
    feature map is at 1/64, and at 1/128 with ``output_stride`` 32.
    """

    variant = "xception_71"
    entry_widths = (128, 256, 256, MIDDLE_WIDTH, MIDDLE_WIDTH)
    num_middle_blocks = 16


def normalisation(channels: int) -> BatchNorm2d:
    """Batch normalisation with the constants of the paper's code: 0.01 is Paddle's momentum 0.99."""
    return BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class SeparableConv(nn.Module):
    """3x3 depthwise and 1x1 convolution, both normalised; (N, in_channels, h, w) -> (N, out_channels, h, w).

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: step of the depthwise kernel; the output has ceil(h / stride) rows.
        dilation: distance between the depthwise kernel's taps.
        activate: whether a ReLU follows each normalisation.
    """

    paddle_names: ClassVar = {
        "_conv1": "depthwise",
        "_bn1": "depthwise_norm",
        "_conv2": "pointwise",
        "_bn2": "pointwise_norm",
    }

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1, activate: bool = False
    ) -> None:
        super().__init__()
        self.activate = activate
        self.depthwise = nn.Conv2d(
            in_channels,
            in_channels,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            groups=in_channels,
            bias=False,
        )
        self.depthwise_norm = normalisation(in_channels)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.pointwise_norm = normalisation(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = self.depthwise_norm(self.depthwise(x))
        if self.activate:
            x = F.relu(x, inplace=True)
        x = self.pointwise_norm(self.pointwise(x))
        return F.relu(x, inplace=True) if self.activate else x


class XceptionBlock(nn.Module):
    """Three separable convolutions, each behind a ReLU, around which the input is added.

    Args:
        widths: channels of the input and behind each convolution.
        stride: step of the last convolution.
        project: whether the input passes a 1x1 convolution before it is added.
    """

    paddle_names: ClassVar = {
        "_conv1": "convs.0",
        "_conv2": "convs.1",
        "_conv3": "convs.2",
        "_short._conv": "skip.0",
        "_short._bn": "skip.1",
    }

    def __init__(self, widths: tuple[int, int, int, int], *, stride: int, project: bool) -> None:
        super().__init__()
        in_channels, *_, out_channels = widths
        self.convs = nn.ModuleList(
            SeparableConv(before, after, stride=step)
            for (before, after), step in zip(pairwise(widths), (1, 1, stride), strict=True)
        )
        self.skip = (
            nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), normalisation(out_channels)
            )
            if project
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, widths[0], h, w) -> (N, widths[3], ceil(h / stride), ceil(w / stride))."""
        first, second, third = self.convs
        y = first(F.relu(x))  # not in place: x is needed as it is
        y = second(F.relu(y, inplace=True))
        y = third(F.relu(y, inplace=True))
        return y + self.skip(x)
