"""DeepLabV3 (Chen et al., 2017, https://arxiv.org/abs/1706.05587).

Shapes: N images of H x W pixels; the backbone's features are h x w.
"""

from typing import ClassVar

from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.layers import ASPP, paddle_defaults, resize_to
from segwright.registry import MODELS


@MODELS.register
class DeepLabV3(nn.Module):
    """Atrous spatial pyramid pooling on the last features of a backbone, then a classifier.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: gives the features.
        backbone_indices: which of its feature maps to use.
        aspp_ratios: dilations of the pyramid; (1, 12, 24, 36) suits features at 1/8, (1, 6, 12, 18) those at 1/16.
        aspp_out_channels: channels of the pyramid's output.
        align_corners: passed to the bilinear resize of the logits.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Raises:
        ConfigError: no such feature map, or a dilation below 1.
    """

    output_names = ("main",)
    paddle_names: ClassVar = {"head.aspp": "aspp", "head.cls": "classify"}

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        backbone_indices: tuple[int] = (3,),
        aspp_ratios: tuple[int, ...] = (1, 6, 12, 18),
        aspp_out_channels: int = 256,
        align_corners: bool = False,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.backbone_indices = backbone_indices
        self.align_corners = align_corners
        self.pretrained = pretrained
        (in_channels,) = backbone.channels_at(backbone_indices)
        self.aspp = ASPP(in_channels, aspp_out_channels, aspp_ratios, separable=False).apply(paddle_defaults)
        self.classify = nn.Conv2d(aspp_out_channels, num_classes, 1).apply(paddle_defaults)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits (N, num_classes, H, W), a list of one."""
        (index,) = self.backbone_indices
        features = self.backbone(image)[index]
        logits = self.classify(self.aspp(features))  # (N, num_classes, h, w)
        return [resize_to(logits, image, self.align_corners)]
