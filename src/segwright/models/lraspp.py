"""LR-ASPP, the segmentation head of MobileNetV3 (Howard et al., 2019), https://arxiv.org/abs/1905.02244, section 6.4.

Shapes: N images of H x W pixels. (h, w) is the size of the coarsest feature map used, H/8 x W/8 with an ``_os8``
backbone.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.errors import ConfigError, DataError
from segwright.layers import ConvBNReLU, paddle_defaults, resize_to
from segwright.registry import MODELS

ResizeMode = Literal["nearest", "bilinear", "bicubic", "area"]

WINDOW = 49  # side of the windows that are averaged where pooling is not global
WINDOW_STRIDE = (16, 20)  # down, right


@MODELS.register
class LRASPP(nn.Module):
    """Coarse features, each channel weighed by its average, refined at finer scales by the backbone's own features.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: network whose features are used.
        backbone_indices: which of its features, from fine to coarse.
        lraspp_head_inter_chs: channels to which the finer features are reduced; one fewer than the indices.
        lraspp_head_out_ch: channels of the head.
        resize_mode: how the head enlarges maps. The logits are always enlarged bilinearly.
        use_gap: whether channels are weighed by their average over the whole picture; else by averages over windows
            of 49x49, for which the coarsest map must have at least as many rows and columns.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Raises:
        ConfigError: fewer than two classes, indices that the backbone does not have, or another number of
            ``lraspp_head_inter_chs``.
    """

    output_names = ("main",)

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        backbone_indices: tuple[int, ...] = (0, 1, 3),
        lraspp_head_inter_chs: tuple[int, ...] = (32, 64),
        lraspp_head_out_ch: int = 128,
        resize_mode: ResizeMode = "bilinear",
        use_gap: bool = True,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise ConfigError(
                f"LRASPP: num_classes is {num_classes}, but the background counts as a class; "
                "write num_classes: 2 for one kind of object and its background"
            )
        if not backbone_indices or len(lraspp_head_inter_chs) != len(backbone_indices) - 1:
            raise ConfigError(
                f"LRASPP: lraspp_head_inter_chs has {len(lraspp_head_inter_chs)} entries and backbone_indices "
                f"{len(backbone_indices)}; want one entry for each feature map but the coarsest"
            )
        self.pretrained = pretrained
        self.backbone = backbone
        self.backbone_indices = backbone_indices
        self.resize_mode = resize_mode
        self.use_gap = use_gap
        *finer, coarsest = backbone.channels_at(backbone_indices)
        channels = lraspp_head_out_ch

        self.project = ConvBNReLU(coarsest, channels, 1)
        self.weigh = nn.Conv2d(coarsest, channels, 1, bias=False)
        self.mix = nn.Conv2d(channels, channels, 1, bias=False)
        self.refinements = nn.ModuleList(
            Refinement(channels, fine, inner, resize_mode)
            for fine, inner in zip(reversed(finer), reversed(lraspp_head_inter_chs), strict=True)
        )
        self.classify = nn.Conv2d(channels, num_classes, 1, bias=False)
        self.paddle_names = {
            "lraspp_head.conv_v": "project",
            "lraspp_head.conv_w.1": "weigh",
            "lraspp_head.conv_t": "mix",
            "lraspp_head.conv_out": "classify",
        }
        for index in range(len(finer)):
            self.paddle_names[f"lraspp_head.convs.{index}"] = f"refinements.{index}.reduce"
            self.paddle_names[f"lraspp_head.conv_ups.{index}"] = f"refinements.{index}.fuse"
        for name, part in self.named_children():
            if name != "backbone":
                part.apply(paddle_defaults)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits, (N, num_classes, H, W).

        Raises:
            DataError: the picture is too small for ``use_gap: False``.
        """
        features = self.backbone(image)
        *finer, coarsest = (features[index] for index in self.backbone_indices)
        x = self.mix(self.project(coarsest) * self._weight(coarsest, image))  # (N, channels, h, w)
        for refine, fine in zip(self.refinements, reversed(finer), strict=True):
            x = refine(x, fine)
        return [resize_to(self.classify(x), image)]

    def _weight(self, features: Tensor, image: Tensor) -> Tensor:
        """How much of each channel to keep, (N, channels, 1, 1) or (N, channels, h, w), from 0 to 1."""
        if self.use_gap:
            return self.weigh(F.adaptive_avg_pool2d(features, 1)).sigmoid()
        height, width = features.shape[-2:]
        if height < WINDOW or width < WINDOW:
            raise DataError(
                f"LRASPP with use_gap: False averages windows of {WINDOW}x{WINDOW}, but a picture of "
                f"{image.shape[-2]}x{image.shape[-1]} (height x width) gives a feature map of {height}x{width}. "
                f"Both sides of a picture need at least {8 * (WINDOW - 1) + 1} pixels with a backbone of output "
                f"stride 8, and {32 * (WINDOW - 1) + 1} with one of output stride 32; or set use_gap: True"
            )
        weight = self.weigh(F.avg_pool2d(features, WINDOW, WINDOW_STRIDE)).sigmoid()
        return F.interpolate(weight, (height, width), mode=self.resize_mode)


class Refinement(nn.Module):
    """Coarse features enlarged, and fused with the backbone's finer ones."""

    def __init__(self, channels: int, fine_channels: int, inner_channels: int, resize_mode: ResizeMode) -> None:
        super().__init__()
        self.resize_mode = resize_mode
        self.reduce = nn.Conv2d(fine_channels, inner_channels, 1, bias=False)
        self.fuse = ConvBNReLU(channels + inner_channels, channels, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """(N, channels, h, w) and (N, fine_channels, H, W) -> (N, channels, H, W)."""
        coarse = F.interpolate(coarse, fine.shape[-2:], mode=self.resize_mode)
        return self.fuse(torch.cat([coarse, self.reduce(fine)], dim=1))
