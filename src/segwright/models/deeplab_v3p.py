"""DeepLabV3+ (Chen et al., 2018, https://arxiv.org/abs/1802.02611).

Shapes: N images of H x W pixels. Fine features are usually at 1/4, coarse ones at 1/8 or 1/16.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.layers import ASPP, ConvBNReLU, SeparableConvBNReLU, paddle_defaults, resize_to
from segwright.registry import MODELS

FINE_WIDTH = 48  # channels that the fine features are reduced to, lest they outweigh the coarse ones
DECODER_WIDTH = 256


@MODELS.register
class DeepLabV3P(nn.Module):
    """Atrous spatial pyramid pooling on coarse features, refined with fine ones.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: gives the features.
        backbone_indices: which of its feature maps to use: the fine one, then the coarse one.
        aspp_ratios: dilations of the pyramid; (1, 12, 24, 36) suits features at 1/8, (1, 6, 12, 18) those at 1/16.
        aspp_out_channels: channels of the pyramid's output. PaddleSeg runs with 256 only.
        align_corners: passed to every bilinear resize.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        data_format: order of the image's axes; there is only one here.

    Raises:
        ConfigError: no such feature map, or a dilation below 1.
    """

    output_names = ("main",)
    paddle_names: ClassVar = {"head.aspp": "aspp", "head.decoder": "decoder"}

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        backbone_indices: tuple[int, int] = (0, 3),
        aspp_ratios: tuple[int, ...] = (1, 6, 12, 18),
        aspp_out_channels: int = 256,
        align_corners: bool = False,
        pretrained: str | None = None,
        data_format: Literal["NCHW"] = "NCHW",  # noqa: ARG002 - so that configs may say it
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.backbone_indices = backbone_indices
        self.align_corners = align_corners
        self.pretrained = pretrained
        fine_channels, coarse_channels = backbone.channels_at(backbone_indices)
        self.aspp = ASPP(coarse_channels, aspp_out_channels, aspp_ratios, separable=True).apply(paddle_defaults)
        self.decoder = Decoder(fine_channels, aspp_out_channels, num_classes, align_corners).apply(paddle_defaults)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits (N, num_classes, H, W), a list of one."""
        features = self.backbone(image)
        fine, coarse = (features[index] for index in self.backbone_indices)
        logits = self.decoder(fine, self.aspp(coarse))
        return [resize_to(logits, image, self.align_corners)]


class Decoder(nn.Module):
    """Fuse coarse features with fine ones, at the resolution of the fine, and classify.

    Args:
        fine_channels: channels of the fine features.
        coarse_channels: channels of the coarse features.
        num_classes: see ``DeepLabV3P``.
        align_corners: see ``DeepLabV3P``.
    """

    paddle_names: ClassVar = {
        "conv_bn_relu1": "reduce",
        "conv_bn_relu2": "fuse.0",
        "conv_bn_relu3": "fuse.1",
        "conv": "classify",
    }

    def __init__(self, fine_channels: int, coarse_channels: int, num_classes: int, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.reduce = ConvBNReLU(fine_channels, FINE_WIDTH, 1)
        self.fuse = nn.Sequential(
            SeparableConvBNReLU(coarse_channels + FINE_WIDTH, DECODER_WIDTH, 3),
            SeparableConvBNReLU(DECODER_WIDTH, DECODER_WIDTH, 3),
        )
        self.classify = nn.Conv2d(DECODER_WIDTH, num_classes, 1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """(N, fine_channels, h, w) and (N, coarse_channels, ...) -> logits (N, num_classes, h, w)."""
        coarse = resize_to(coarse, fine, self.align_corners)
        return self.classify(self.fuse(torch.cat([coarse, self.reduce(fine)], dim=1)))
