"""HRNet (Wang et al., 2019), https://arxiv.org/abs/1908.07919, of the form V2.

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded up. Stream i (from 0) has maps of
1 / 2^(i + 2) and ``width * 2^i`` channels.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from segwright.backbones.base import Backbone
from segwright.backbones.hrnet_blocks import Bottleneck, Exchange
from segwright.errors import ConfigError
from segwright.layers import ConvBNReLU, narrow_normal, resize_to
from segwright.registry import BACKBONES

STEM_WIDTH = 64


class HRNet(Backbone):
    """Streams of several resolutions side by side, which exchange what they know again and again.

    Args:
        in_channels: bands of the input image.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        has_se: whether blocks weigh their channels by squeeze and excitation.
        align_corners: passed to every bilinear resize.
        padding_same: whether convolutions of stride 2 pad even sizes at the bottom and right only, as Paddle's "same"
            does; else by one pixel on every side, as the authors' do.
        use_psa: whether basic blocks contain polarized self-attention.

    Raises:
        ConfigError: no input band.
    """

    width: ClassVar[int]
    stem_block_width: ClassVar[int] = 64
    num_stem_blocks: ClassVar[int] = 4
    num_exchanges: ClassVar[tuple[int, int, int]] = (1, 4, 3)  # in the stages of two, three and four streams
    num_blocks: ClassVar[int] = 4  # of each stream before each exchange

    def __init__(
        self,
        in_channels: int = 3,
        pretrained: str | None = None,
        has_se: bool = False,
        align_corners: bool = False,
        padding_same: bool = True,
        use_psa: bool = False,
    ) -> None:
        super().__init__()
        if in_channels < 1:
            raise ConfigError(
                f"{type(self).__name__}: in_channels is {in_channels}, but a picture has at least one band"
            )
        widths = tuple(self.width * 2**stream for stream in range(4))
        padding = None if padding_same else 1
        self.pretrained = pretrained
        self.align_corners = align_corners
        self.feat_channels = (sum(widths),)
        self.paddle_names = self._paddle_names()

        self.stem = nn.Sequential(
            ConvBNReLU(in_channels, STEM_WIDTH, 3, stride=2, padding=padding, bias=False),
            ConvBNReLU(STEM_WIDTH, STEM_WIDTH, 3, stride=2, padding=padding, bias=False),
        )
        expanded = Bottleneck.expansion * self.stem_block_width
        self.stem_blocks = nn.Sequential(
            *(
                Bottleneck(expanded if index else STEM_WIDTH, self.stem_block_width, has_se=has_se)
                for index in range(self.num_stem_blocks)
            )
        )
        self.finest = ConvBNReLU(expanded, widths[0], 3, bias=False)
        self.coarser = nn.ModuleList(
            ConvBNReLU(source, target, 3, stride=2, padding=padding, bias=False)
            for source, target in zip((expanded, *widths[1:3]), widths[1:], strict=True)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    Exchange(widths[: 2 + index], self.num_blocks, has_se, use_psa, padding, align_corners)
                    for _ in range(num_exchanges)
                )
            )
            for index, num_exchanges in enumerate(self.num_exchanges)
        )
        self.apply(narrow_normal)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one map (N, 15 * width, 1/4): the streams at the size of the finest."""
        x = self.stem_blocks(self.stem(image))  # 1/4
        streams = [self.finest(x)]
        for coarser, stage in zip(self.coarser, self.stages, strict=True):
            streams = stage([*streams, coarser(x)])
            x = streams[-1]
        finest = streams[0]
        return [torch.cat([finest, *(resize_to(x, finest, self.align_corners) for x in streams[1:])], dim=1)]

    def _paddle_names(self) -> dict[str, str]:
        """PaddleSeg repeats the place of a module, counted from 1, in the names of its parts."""
        names = {f"conv_layer1_{index + 1}": f"stem.{index}" for index in range(2)}
        names |= {f"la1.bb_layer2_{index + 1}": f"stem_blocks.{index}" for index in range(self.num_stem_blocks)}
        names["tr1.transition_tr1_layer_1"] = "finest"
        for index, num_exchanges in enumerate(self.num_exchanges):
            stage, transition = f"st{index + 2}", f"tr{index + 1}"
            names[f"{transition}.transition_{transition}_layer_{index + 2}"] = f"coarser.{index}"
            for exchange in range(num_exchanges):
                place = f"{stage}_{exchange + 1}"
                theirs, ours = f"{stage}.stage_{place}", f"stages.{index}.{exchange}"
                names |= self._paddle_names_of_exchange(theirs, ours, place, num_streams=index + 2)
        return names

    def _paddle_names_of_exchange(self, theirs: str, ours: str, place: str, num_streams: int) -> dict[str, str]:
        names = {}
        for stream in range(num_streams):
            for block in range(self.num_blocks):
                name = f"bb_{place}_branch_layer_{stream + 1}_{block + 1}"
                names[f"{theirs}.branches_func.{name}"] = f"{ours}.streams.{stream}.{block}"
            for source in range(num_streams):
                path = f"{theirs}.fuse_func.residual_{place}_layer_{stream + 1}_{source + 1}"
                if source > stream:
                    names[path] = f"{ours}.sums.{stream}.paths.{source}"
                for step in range(stream - source):
                    names[f"{path}_{step + 1}"] = f"{ours}.sums.{stream}.paths.{source}.{step}"
        return names


@BACKBONES.register
class HRNet_W18_Small_V1(HRNet):  # noqa: N801
    """Streams of 16, 32, 64 and 128 channels, and few blocks. Arguments: see ``HRNet``."""

    width, stem_block_width, num_stem_blocks, num_exchanges, num_blocks = 16, 32, 1, (1, 1, 1), 2


@BACKBONES.register
class HRNet_W18_Small_V2(HRNet):  # noqa: N801
    """Streams of 18, 36, 72 and 144 channels, and few blocks. Arguments: see ``HRNet``."""

    width, num_stem_blocks, num_exchanges, num_blocks = 18, 2, (1, 3, 2), 2


@BACKBONES.register
class HRNet_W18(HRNet):  # noqa: N801
    """Streams of 18, 36, 72 and 144 channels. Arguments: see ``HRNet``."""

    width = 18


@BACKBONES.register
class HRNet_W30(HRNet):  # noqa: N801
    """Streams of 30, 60, 120 and 240 channels. Arguments: see ``HRNet``."""

    width = 30


@BACKBONES.register
class HRNet_W32(HRNet):  # noqa: N801
    """Streams of 32, 64, 128 and 256 channels. Arguments: see ``HRNet``."""

    width = 32


@BACKBONES.register
class HRNet_W40(HRNet):  # noqa: N801
    """Streams of 40, 80, 160 and 320 channels. Arguments: see ``HRNet``."""

    width = 40


@BACKBONES.register
class HRNet_W44(HRNet):  # noqa: N801
    """Streams of 44, 88, 176 and 352 channels. Arguments: see ``HRNet``."""

    width = 44


@BACKBONES.register
class HRNet_W48(HRNet):  # noqa: N801
    """Streams of 48, 96, 192 and 384 channels. Arguments: see ``HRNet``."""

    width = 48


@BACKBONES.register
class HRNet_W60(HRNet):  # noqa: N801
    """Streams of 60, 120, 240 and 480 channels. Arguments: see ``HRNet``."""

    width = 60


@BACKBONES.register
class HRNet_W64(HRNet):  # noqa: N801
    """Streams of 64, 128, 256 and 512 channels. Arguments: see ``HRNet``."""

    width = 64


@BACKBONES.register("HRNETV2_PSA")
class HRNetV2PSA(HRNet_W48):
    """``HRNet_W48`` with polarized self-attention and the authors' padding.

    Args:
        in_channels: bands of the input image.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        align_corners: passed to every bilinear resize.
    """

    def __init__(self, in_channels: int = 3, pretrained: str | None = None, align_corners: bool = False) -> None:
        super().__init__(in_channels, pretrained, align_corners=align_corners, padding_same=False, use_psa=True)
