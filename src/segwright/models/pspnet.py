"""PSPNet (Zhao et al., 2016), https://arxiv.org/abs/1612.01105.

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded up.
"""

from typing import ClassVar

from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.layers import AuxHead, PyramidPooling, paddle_defaults, resize_to
from segwright.registry import MODELS


@MODELS.register
class PSPNet(nn.Module):
    """Pyramid pooling gives every pixel the context of its surroundings, from the whole image down.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: gives the feature maps; the paper's last stages dilate (``output_stride: 8``).
        backbone_indices: the feature maps for the auxiliary output and for the pyramid.
        pp_out_channels: channels after pyramid pooling.
        bin_sizes: windows along each side, for each level of the pyramid.
        enable_auxiliary_loss: whether an auxiliary output is trained.
        align_corners: passed to every bilinear resize.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Training outputs come in the order of ``output_names``, which is also the order of ``loss.coef``.

    Raises:
        ConfigError: a feature map that the backbone has not, or a pyramid without levels.
    """

    paddle_names: ClassVar = {"head.psp_module": "pyramid", "head.conv": "classify", "head.auxlayer": "aux"}

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        backbone_indices: tuple[int, int] = (2, 3),
        pp_out_channels: int = 1024,
        bin_sizes: tuple[int, ...] = (1, 2, 3, 6),
        enable_auxiliary_loss: bool = True,
        align_corners: bool = False,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        aux_channels, main_channels = backbone.channels_at(backbone_indices)
        self.output_names = ("main", "aux") if enable_auxiliary_loss else ("main",)
        self.backbone_indices = backbone_indices
        self.align_corners = align_corners
        self.pretrained = pretrained
        self.pyramid = PyramidPooling(main_channels, pp_out_channels, bin_sizes, align_corners)
        self.dropout = nn.Dropout(0.1)
        self.classify = nn.Conv2d(pp_out_channels, num_classes, 1)
        if enable_auxiliary_loss:
            self.aux = AuxHead(aux_channels, aux_channels // 4, num_classes)
        self.apply(paddle_defaults)
        self.backbone = backbone  # last, because its weights are drawn already

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits, each (N, num_classes, H, W); only "main" when not training."""
        features = self.backbone(image)
        early, last = (features[index] for index in self.backbone_indices)  # both 1/8 at output stride 8

        outputs = [self.classify(self.dropout(self.pyramid(last)))]
        if self.training and "aux" in self.output_names:
            outputs.append(self.aux(early))
        return [resize_to(logits, image, self.align_corners) for logits in outputs]
