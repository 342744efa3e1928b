"""BiSeNet V2 (Yu et al., 2020), https://arxiv.org/abs/2004.02147.

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded up.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.layers import BatchNorm2d, ConvBN, ConvBNReLU, DepthwiseConvBN, kaiming, resize_to
from segwright.registry import MODELS

DETAIL_WIDTH = 128  # channels that both branches end with, and that their fusion keeps
EXPANSION = 6  # of a gather-and-expansion layer's channels on its way


@MODELS.register
class BiSeNetV2(nn.Module):
    """A wide, shallow branch for detail and a narrow, deep one for meaning, fused at 1/8.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        lambd: width of the first semantic stages relative to the detail branch.
        align_corners: passed to every bilinear resize.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        in_channels: bands of the input image.

    Training outputs come in the order of ``output_names``, which is also the order of ``loss.coef``.

    Raises:
        ConfigError: fewer than two classes, no input band, or a branch without channels.
    """

    output_names = ("main", "stage2", "stage3", "stage4", "stage5")
    paddle_names: ClassVar = {
        "db.convs": "detail",
        "sb": "semantic",
        "bga": "aggregate",
        **{f"aux_head{i + 1}": f"boosters.{i}" for i in range(4)},
    }

    def __init__(
        self,
        num_classes: int,
        lambd: float = 0.25,
        align_corners: bool = False,
        pretrained: str | None = None,
        *,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise ConfigError(
                f"BiSeNetV2: num_classes is {num_classes}, but the background counts as a class; "
                "write num_classes: 2 for one kind of object and its background"
            )
        if in_channels < 1:
            raise ConfigError(f"BiSeNetV2: in_channels is {in_channels}; an image has at least one band")
        widths = (int(64 * lambd), int(128 * lambd), 64, 128)
        if widths[0] < 2:
            raise ConfigError(f"BiSeNetV2: lambd is {lambd}, too small for a semantic branch; the paper takes 0.25")
        self.align_corners = align_corners
        self.pretrained = pretrained
        self.detail = DetailBranch(in_channels)
        self.semantic = SemanticBranch(in_channels, widths)
        self.aggregate = GuidedAggregation(DETAIL_WIDTH, align_corners)
        self.head = SegHead(DETAIL_WIDTH, num_classes)
        self.boosters = nn.ModuleList(SegHead(width, num_classes) for width in widths)
        self.apply(kaiming)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits, each (N, num_classes, H, W); only "main" when not training."""
        detail = self.detail(image)  # (N, 128, 1/8)
        *stages, context = self.semantic(image)  # 1/4, 1/8, 1/16, 1/32 and 1/32
        fused = self.aggregate(detail, context)  # (N, 128, 1/8)

        outputs = [self.head(fused)]
        if self.training:
            outputs += [booster(stage) for booster, stage in zip(self.boosters, stages, strict=True)]
        return [resize_to(logits, image, self.align_corners) for logits in outputs]


class DetailBranch(nn.Sequential):
    """Three stages of plain convolutions; (N, in_channels, H, W) -> (N, 128, 1/8)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(
            ConvBNReLU(in_channels, 64, 3, stride=2),
            ConvBNReLU(64, 64, 3),
            ConvBNReLU(64, 64, 3, stride=2),
            ConvBNReLU(64, 64, 3),
            ConvBNReLU(64, 64, 3),
            ConvBNReLU(64, DETAIL_WIDTH, 3, stride=2),
            ConvBNReLU(DETAIL_WIDTH, DETAIL_WIDTH, 3),
            ConvBNReLU(DETAIL_WIDTH, DETAIL_WIDTH, 3),
        )


class SemanticBranch(nn.Module):
    """Stem, gather-and-expansion stages, context; ``widths`` are the channels of stages 2 to 5."""

    paddle_names: ClassVar = {"stage5_4": "stage5", "ce": "context"}

    def __init__(self, in_channels: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        width2, width3, width4, width5 = widths
        self.stem = Stem(in_channels, width2)
        self.stage3 = nn.Sequential(GatherExpansionDown(width2, width3), GatherExpansion(width3))
        self.stage4 = nn.Sequential(GatherExpansionDown(width3, width4), GatherExpansion(width4))
        self.stage5 = nn.Sequential(GatherExpansionDown(width4, width5), *(GatherExpansion(width5) for _ in range(3)))
        self.context = ContextEmbedding(width5)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(N, in_channels, H, W) -> stages 2 to 5 at 1/4, 1/8, 1/16, 1/32, and the last with context."""
        stage2 = self.stem(image)
        stage3 = self.stage3(stage2)
        stage4 = self.stage4(stage3)
        stage5 = self.stage5(stage4)
        return stage2, stage3, stage4, stage5, self.context(stage5)


class Stem(nn.Module):
    """Shrink by convolution and by pooling side by side; (N, in_channels, H, W) -> (N, channels, 1/4)."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(in_channels, channels, 3, stride=2)
        self.left = nn.Sequential(
            ConvBNReLU(channels, channels // 2, 1), ConvBNReLU(channels // 2, channels, 3, stride=2)
        )
        self.right = nn.MaxPool2d(3, stride=2, padding=1)
        self.fuse = ConvBNReLU(2 * channels, channels, 3)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        x = self.conv(image)
        return self.fuse(torch.cat([self.left(x), self.right(x)], dim=1))


class GatherExpansion(nn.Module):
    """Gather neighbours, expand the channels, project back and add; (N, channels, h, w) stays so."""

    paddle_names: ClassVar = {"conv": "body"}

    def __init__(self, channels: int) -> None:
        super().__init__()
        expanded = EXPANSION * channels
        self.body = nn.Sequential(
            ConvBNReLU(channels, channels, 3),
            DepthwiseConvBN(channels, expanded, 3),
            ConvBN(expanded, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + x)


class GatherExpansionDown(nn.Module):
    """``GatherExpansion`` that halves the resolution; (N, in_channels, h, w) -> (N, out_channels, h/2, w/2)."""

    paddle_names: ClassVar = {"branch_1": "body", "branch_2": "shortcut"}

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        expanded = EXPANSION * in_channels
        self.body = nn.Sequential(
            ConvBNReLU(in_channels, in_channels, 3),
            DepthwiseConvBN(in_channels, expanded, 3, stride=2),
            DepthwiseConvBN(expanded, expanded, 3),
            ConvBN(expanded, out_channels, 1),
        )
        self.shortcut = nn.Sequential(
            DepthwiseConvBN(in_channels, in_channels, 3, stride=2), ConvBN(in_channels, out_channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


class ContextEmbedding(nn.Module):
    """Add the image-wide average to every pixel; (N, channels, h, w) stays so."""

    paddle_names: ClassVar = {"bn": "norm", "conv_1x1": "project", "conv_3x3": "fuse"}

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = BatchNorm2d(channels)
        self.project = ConvBNReLU(channels, channels, 1)
        self.fuse = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        context = self.norm(F.adaptive_avg_pool2d(x, 1))
        return self.fuse(self.project(context) + x)


class GuidedAggregation(nn.Module):
    """Each branch, at its own scale, is gated by the other; detail at 1/8, semantic at 1/32 -> fused at 1/8."""

    paddle_names: ClassVar = {
        "db_branch_keep": "detail_keep",
        "db_branch_down": "detail_down",
        "sb_branch_keep": "semantic_keep",
        "sb_branch_up": "semantic_up",
        "conv": "fuse",
    }

    def __init__(self, channels: int, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.detail_keep = nn.Sequential(DepthwiseConvBN(channels, channels, 3), nn.Conv2d(channels, channels, 1))
        self.detail_down = nn.Sequential(
            ConvBN(channels, channels, 3, stride=2),
            nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),  # Paddle's default
        )
        self.semantic_keep = nn.Sequential(DepthwiseConvBN(channels, channels, 3), nn.Conv2d(channels, channels, 1))
        self.semantic_up = ConvBN(channels, channels, 3)
        self.fuse = ConvBN(channels, channels, 3)

    def forward(self, detail: Tensor, semantic: Tensor) -> Tensor:
        fine_gate = resize_to(self.semantic_up(semantic), detail, self.align_corners).sigmoid()
        coarse_gate = self.semantic_keep(semantic).sigmoid()
        fine = self.detail_keep(detail) * fine_gate  # 1/8
        coarse = self.detail_down(detail) * coarse_gate  # 1/32
        return self.fuse(fine + resize_to(coarse, detail, self.align_corners))


class SegHead(nn.Module):
    """Features to class scores of the same resolution; (N, channels, h, w) -> (N, num_classes, h, w)."""

    paddle_names: ClassVar = {"conv_3x3.0": "conv", "conv_1x1": "classify"}

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(channels, channels, 3)
        self.dropout = nn.Dropout(0.1)
        self.classify = nn.Conv2d(channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.dropout(self.conv(x)))
