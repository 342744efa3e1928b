"""Hierarchical multi-scale attention (Tao et al., 2020), https://arxiv.org/abs/2005.10821, on OCRNet.

Shapes: N images of H x W pixels, K classes. (h, w) is the size of the feature map used: H/4 x W/4 with HRNet.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.backbones import Backbone, HRNetV2PSA
from segwright.errors import ConfigError
from segwright.layers import ConvBNReLU, ObjectContextHead, paddle_defaults, resize_to
from segwright.registry import MODELS

LOW_SCALE = 0.5  # that training fuses with the full one
MID_CHANNELS = 512
KEY_CHANNELS = 256
GATE_CHANNELS = 256


@MODELS.register("MscaleOCRNet", "MscaleOCR", "PSANet")
class MscaleOCRNet(nn.Module):
    """OCRNet looks at the picture in several scales, and at every pixel each scale decides how far it is trusted.

    Training takes half and full scale, from which the network learns the relation of two neighbouring scales;
    evaluation may chain any number of them.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: network whose features are used; by default HRNet-W48 with polarized self-attention.
        backbone_indices: which of its features are segmented coarsely, and which describe the pixels, of the same
            size; a single index serves both.
        mscale: scales of evaluation; those of training where there are none.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Training outputs come in the order of ``output_names``, which is also the order of ``loss.coef``.

    Raises:
        ConfigError: a feature map that the backbone has not, or a scale that is not positive.
    """

    output_names = ("aux", "main", "half_scale", "full_scale")
    paddle_names: ClassVar = {
        "ocr.aux_head": "head.coarse",
        "ocr.conv3x3_ocr": "head.describe",
        "ocr.ocr_distri_head.f_pixel.conv_bn_relu_1": "head.attention.query.0",
        "ocr.ocr_distri_head.f_pixel.conv_bn_relu_2": "head.attention.query.1",
        "ocr.ocr_distri_head.f_object.conv_bn_relu_1": "head.attention.key.0",
        "ocr.ocr_distri_head.f_object.conv_bn_relu_2": "head.attention.key.1",
        "ocr.ocr_distri_head.f_down": "head.attention.value",
        "ocr.ocr_distri_head.f_up": "head.attention.up",
        "ocr.ocr_distri_head.conv_bn_dropout": "head.fuse",
        "ocr.cls_head": "head.classify",
        "scale_attn": "gate",
    }

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone | None = None,
        backbone_indices: tuple[int] | tuple[int, int] = (0,),
        mscale: tuple[float, ...] | None = (0.5, 1.0, 2.0),
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        if mscale and min(mscale) <= 0:
            raise ConfigError(f"MscaleOCRNet: mscale is {list(mscale)}, but scales are positive numbers")
        self.backbone = HRNetV2PSA() if backbone is None else backbone
        self.backbone_indices = (backbone_indices[0], backbone_indices[-1])
        coarse_channels, pixel_channels = self.backbone.channels_at(self.backbone_indices)
        self.scales = tuple(sorted(mscale or (LOW_SCALE, 1.0), reverse=True))
        self.pretrained = pretrained
        self.head = ObjectContextHead(
            num_classes,
            coarse_channels,
            pixel_channels,
            mid_channels=MID_CHANNELS,
            key_channels=KEY_CHANNELS,
            dropout=0.05,
            bias=False,
        )
        self.gate = ScaleGate()

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits, each (N, num_classes, H, W); only "main" when not training."""
        return self._two_scales(image) if self.training else [self._all_scales(image)]

    def _two_scales(self, image: Tensor) -> list[Tensor]:
        """The fused logits, and those of both scales, to be trained together."""
        small, logits, coarse, features = self._look(image, LOW_SCALE)
        low, low_coarse, gate = (resize_to(x, small) for x in (logits, coarse, self.gate(features)))
        _, logits, coarse, features = self._look(image, 1.0)
        full, full_coarse = (resize_to(x, image) for x in (logits, coarse))
        with torch.no_grad():  # not used, but evaluation gates this scale too: its batch statistics have to know it
            self.gate(features)
        return [
            fuse(full_coarse, low_coarse, gate, LOW_SCALE),
            fuse(full, low, gate, LOW_SCALE),
            resize_to(low, image),
            full,
        ]

    def _all_scales(self, image: Tensor) -> Tensor:
        """Logits fused from the largest scale down."""
        largest, *others = self.scales
        seen, logits, _, _ = self._look(image, largest)
        fused = resize_to(logits, seen)
        for scale in others:
            seen, logits, _, features = self._look(image, scale)
            fused = fuse(fused, resize_to(logits, seen), resize_to(self.gate(features), seen), scale)
        return fused if 1.0 in self.scales else resize_to(fused, image)

    def _look(self, image: Tensor, scale: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Resize the picture, and apply the network to it.

        Returns:
            The picture seen, (N, in_channels, H', W'); its logits and those of its coarse segmentation, both
            (N, num_classes, h, w); and the features that the logits come from, (N, 512, h, w).
        """
        seen = image if scale == 1 else F.interpolate(image, scale_factor=scale, mode="bilinear")
        features = self.backbone(seen)
        return seen, *self.head(*(features[index] for index in self.backbone_indices))


class ScaleGate(nn.Sequential):
    """How far each pixel trusts the scale at hand; (N, 512, h, w) -> (N, 1, h, w) between 0 and 1."""

    paddle_names: ClassVar = {"conv_bn_re0": "0", "conv_bn_re1": "1", "conv2": "2"}

    def __init__(self) -> None:
        super().__init__(
            ConvBNReLU(MID_CHANNELS, GATE_CHANNELS, 3, bias=False),
            ConvBNReLU(GATE_CHANNELS, GATE_CHANNELS, 3, bias=False),
            nn.Conv2d(GATE_CHANNELS, 1, 1, bias=False),
            nn.Sigmoid(),
        )
        self.apply(paddle_defaults)


def fuse(larger: Tensor, logits: Tensor, gate: Tensor, scale: float) -> Tensor:
    """Add the logits of a scale to what the larger scales agreed on: ``gate * logits + (1 - gate) * larger``.

    Args:
        larger: (N, K, H', W') logits.
        logits: (N, K, h', w') logits of this scale.
        gate: (N, 1, h', w') trust in this scale, from 0 to 1.
        scale: this scale. From 1 on the result has its size, below it that of ``larger``.

    Returns:
        (N, K, h', w') or (N, K, H', W') logits.
    """
    if scale >= 1:
        return gate * logits + (1 - gate) * resize_to(larger, logits)
    return resize_to(gate * logits, larger) + (1 - resize_to(gate, larger)) * larger
