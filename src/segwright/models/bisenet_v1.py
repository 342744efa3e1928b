"""BiSeNet (Yu et al., 2018), https://arxiv.org/abs/1808.00897.

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded up. The backbone's maps are called by the
paper's resolutions; one that dilates has coarse maps of 1/8, too. Every resize aligns the corners, as PaddleSeg's does.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.errors import ConfigError
from segwright.layers import ConvBNReLU, paddle_defaults, resize_to
from segwright.registry import MODELS

DETAIL_WIDTH = 128  # channels of the spatial path


@MODELS.register("BiseNetV1", "BiSeNetV1")
class BiSeNetV1(nn.Module):
    """A shallow path for detail beside a backbone with attention for context, fused at 1/8.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: the context path, of which the last three feature maps are used; the first of them is at 1/8.
        conv_channel: channels of the context path after attention.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        in_channels: bands of the input image, which the spatial path sees too.

    Training outputs come in the order of ``output_names``, which is also the order of ``loss.coef``: the main one is
    the last. Logits have the image's size, where PaddleSeg's have multiples of 8.

    Raises:
        ConfigError: the backbone has fewer than three feature maps, or there is no input band.
    """

    output_names = ("context16", "context8", "main")
    paddle_names: ClassVar = {
        "spatial_path": "spatial",
        "global_context": "tail",
        "arms": "attend",
        "refines": "refine",
        "heads.0": "boosters.0",
        "heads.1": "boosters.1",
        "heads.2": "head",
        "ffm": "fuse",
    }

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        conv_channel: int = 128,
        pretrained: str | None = None,
        *,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if in_channels < 1:
            raise ConfigError(f"BiSeNetV1: in_channels is {in_channels}; a picture has at least one band")
        _, *channels = backbone.channels_at((-3, -2, -1))
        self.pretrained = pretrained
        self.spatial = SpatialPath(in_channels)
        self.tail = nn.Sequential(nn.AdaptiveAvgPool2d(1), ConvBNReLU(channels[-1], conv_channel, 1, bias=False))
        self.attend = nn.ModuleList(AttentionRefinement(width, conv_channel) for width in reversed(channels))
        self.refine = nn.ModuleList(ConvBNReLU(conv_channel, conv_channel, 3, bias=False) for _ in channels)
        self.fuse = FeatureFusion(DETAIL_WIDTH + conv_channel, 2 * conv_channel)
        self.head = SegHead(2 * conv_channel, 64, num_classes)
        self.boosters = nn.ModuleList(SegHead(conv_channel, 128, num_classes) for _ in channels)
        self.apply(paddle_defaults)
        self.backbone = backbone  # last, because its weights are drawn already

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits, each (N, num_classes, H, W); only "main" when not training."""
        *_, at8, at16, at32 = self.backbone(image)
        tail = self.tail(at32)  # (N, conv_channel, 1, 1)
        context16 = self._refine(0, self.attend[0](at32) + tail, at16)
        context8 = self._refine(1, self.attend[1](at16) + context16, at8)

        outputs = [self.head(self.fuse(self.spatial(image), context8))]
        if self.training:
            contexts = (context16, context8)
            outputs = [booster(x) for booster, x in zip(self.boosters, contexts, strict=True)] + outputs
        return [resize_to(logits, image, align_corners=True) for logits in outputs]

    def _refine(self, step: int, context: Tensor, target: Tensor) -> Tensor:
        """Bring context to the next finer resolution; (N, conv_channel, .., ..) -> (N, conv_channel, h, w)."""
        return self.refine[step](resize_to(context, target, align_corners=True))


class SpatialPath(nn.Sequential):
    """Four convolutions that keep detail; (N, in_channels, H, W) -> (N, 128, 1/8)."""

    paddle_names: ClassVar = {"conv_7x7": "0", "conv_3x3_1": "1", "conv_3x3_2": "2", "conv_1x1": "3"}

    def __init__(self, in_channels: int) -> None:
        super().__init__(
            ConvBNReLU(in_channels, 64, 7, stride=2, padding=3, bias=False),
            ConvBNReLU(64, 64, 3, stride=2, padding=1, bias=False),
            ConvBNReLU(64, 64, 3, stride=2, padding=1, bias=False),
            ConvBNReLU(64, DETAIL_WIDTH, 1, bias=False),
        )


class AttentionRefinement(nn.Module):
    """Weight the channels by what the whole image holds; (N, in_channels, h, w) -> (N, out_channels, h, w)."""

    paddle_names: ClassVar = {"conv_3x3": "conv", "channel_attention": "gate"}

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(in_channels, out_channels, 3, bias=False)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), ConvBNReLU(out_channels, out_channels, 1, bias=False), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = self.conv(x)
        return x * self.gate(x)


class FeatureFusion(nn.Module):
    """Mix detail and context, and strengthen channels by attention; both (N, .., h, w) -> (N, out_channels, h, w).

    Args:
        in_channels: channels of detail and context together.
        out_channels: channels of the result.
    """

    paddle_names: ClassVar = {"conv_1x1": "mix", "channel_attention": "gate"}

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.mix = ConvBNReLU(in_channels, out_channels, 1, bias=False)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            ConvBNReLU(out_channels, out_channels, 1, bias=False),
            ConvBNReLU(out_channels, out_channels, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        """See the class."""
        x = self.mix(torch.cat([detail, context], dim=1))
        return x * (1 + self.gate(x))


class SegHead(nn.Module):
    """Features to class scores; (N, in_channels, h, w) -> (N, num_classes, h, w)."""

    paddle_names: ClassVar = {"conv_3x3": "conv", "conv_1x1": "classify"}

    def __init__(self, in_channels: int, inter_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(in_channels, inter_channels, 3, bias=False)
        self.classify = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.classify(self.conv(x))
