"""FCN (Shelhamer et al., 2016), https://arxiv.org/abs/1411.4038, without its skip connections.

Shapes: N images of H x W pixels. (h, w) is the size of the feature map used: H/4 x W/4 with HRNet.
"""

from typing import ClassVar, Literal

from torch import Tensor, nn

from segwright.backbones import Backbone
from segwright.errors import ConfigError
from segwright.layers import ConvBNReLU, narrow_normal, resize_to
from segwright.registry import MODELS


@MODELS.register
class FCN(nn.Module):
    """Two 1x1 convolutions classify every pixel of one feature map.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        backbone: network whose features are used.
        backbone_indices: which of its features, a single one.
        channels: channels between the two convolutions; as many as the features have by default.
        align_corners: passed to the bilinear resize of the logits.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.
        bias: whether the two convolutions have a bias.
        data_format: order of the dimensions; there is only one.

    Raises:
        ConfigError: a feature map that the backbone has not, no channels, or another order of dimensions.
    """

    output_names = ("main",)
    paddle_names: ClassVar = {"head.conv_1": "conv", "head.cls": "classify"}

    def __init__(
        self,
        num_classes: int,
        backbone: Backbone,
        backbone_indices: tuple[int] = (-1,),
        channels: int | None = None,
        align_corners: bool = False,
        pretrained: str | None = None,
        bias: bool = True,
        data_format: Literal["NCHW"] = "NCHW",
    ) -> None:
        super().__init__()
        if data_format != "NCHW":
            raise ConfigError(f"FCN: data_format is {data_format!r}, but tensors are NCHW here; leave it out")
        if channels is not None and channels < 1:
            raise ConfigError(f"FCN: channels is {channels}; leave it out for as many as the backbone's features have")
        (in_channels,) = backbone.channels_at(backbone_indices)
        channels = channels or in_channels
        self.backbone_indices = backbone_indices
        self.align_corners = align_corners
        self.pretrained = pretrained
        self.conv = ConvBNReLU(in_channels, channels, 1, bias=bias)
        self.classify = nn.Conv2d(channels, num_classes, 1, bias=bias)
        self.apply(narrow_normal)
        self.backbone = backbone  # last, because its weights are drawn already

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one (N, num_classes, H, W) map of logits."""
        features = self.backbone(image)[self.backbone_indices[0]]
        return [resize_to(self.classify(self.conv(features)), image, self.align_corners)]
