"""OCRNet: object-contextual representations (Yuan et al., 2019), https://arxiv.org/abs/1909.11065.

Shapes: N images of H x W pixels. (h, w) is the size of the feature maps used: H/4 x W/4 with HRNet.
"""

from typing import ClassVar

from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.layers import ObjectContextHead, resize_to
from segwright.registry import MODELS


@MODELS.register
class OCRNet(nn.Module):
    """Every pixel is classified by its own features and by those of the objects that it resembles.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: network whose features are used.
        backbone_indices: which of its features are segmented coarsely, and which describe the pixels, of the same
            size; a single index serves both.
        ocr_mid_channels: channels of pixels and objects.
        ocr_key_channels: channels in which pixels and objects are compared.
        align_corners: passed to the bilinear resize of the logits.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Training outputs come in the order of ``output_names``, which is also the order of ``loss.coef``.

    Raises:
        ConfigError: a feature map that the backbone has not.
    """

    output_names = ("main", "aux")
    paddle_names: ClassVar = {
        "head.aux_head": "head.coarse",
        "head.conv3x3_ocr": "head.describe",
        "head.spatial_ocr.attention_block.f_pixel": "head.attention.query",
        "head.spatial_ocr.attention_block.f_object": "head.attention.key",
        "head.spatial_ocr.attention_block.f_down": "head.attention.value",
        "head.spatial_ocr.attention_block.f_up": "head.attention.up",
        "head.spatial_ocr.conv1x1": "head.fuse",
        "head.cls_head": "head.classify",
    }

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        backbone_indices: tuple[int] | tuple[int, int],
        ocr_mid_channels: int = 512,
        ocr_key_channels: int = 256,
        align_corners: bool = False,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        self.backbone_indices = (backbone_indices[0], backbone_indices[-1])
        coarse_channels, pixel_channels = backbone.channels_at(self.backbone_indices)
        self.align_corners = align_corners
        self.pretrained = pretrained
        self.backbone = backbone
        self.head = ObjectContextHead(
            num_classes,
            coarse_channels,
            pixel_channels,
            mid_channels=ocr_mid_channels,
            key_channels=ocr_key_channels,
            dropout=0.1,
            bias=True,
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits, each (N, num_classes, H, W); only "main" when not training."""
        features = self.backbone(image)
        logits, coarse, _ = self.head(*(features[index] for index in self.backbone_indices))
        outputs = [logits, coarse] if self.training else [logits]
        return [resize_to(output, image, self.align_corners) for output in outputs]
