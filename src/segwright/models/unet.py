"""U-Net (Ronneberger et al., 2015, https://arxiv.org/abs/1505.04597), with padded convolutions.

Shapes: N images of H x W pixels. "1/8" is a feature map of H/8 x W/8, rounded down.
"""

from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.layers import ConvBNReLU, paddle_defaults, resize_to
from segwright.registry import MODELS

DOWN_WIDTHS = (64, 128, 256, 512, 512)  # channels at full size, 1/2, 1/4, 1/8, 1/16
UP_WIDTHS = (256, 128, 64, 64)  # channels at 1/8, 1/4, 1/2 and full size


@MODELS.register
class UNet(nn.Module):
    """Four halvings and four doublings; on its way up each resolution sees its features from the way down again.

    The output has the image's size, which is at least 16 pixels a side.

    Args:
        num_classes: classes to predict, the background counted, ignored pixels not.
        align_corners: passed to every bilinear resize.
        use_deconv: double the resolution by transposed convolutions instead of bilinearly.
        in_channels: bands of the input image.
        pretrained: path or URL of weights. Kept for whoever builds the model; nothing is loaded here.

    Raises:
        ConfigError: no input band.
    """

    output_names = ("main",)
    paddle_names: ClassVar = {
        "encode.double_conv": "stem",
        "encode.down_sample_list": "down",
        "decode.up_sample_list": "up",
        "cls": "classify",
        "conv": "classify_again",
    }

    def __init__(
        self,
        num_classes: int,
        align_corners: bool = False,
        use_deconv: bool = False,
        in_channels: int = 3,
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        if in_channels < 1:
            raise ConfigError(f"UNet: in_channels is {in_channels}; a picture has at least one band")
        self.pretrained = pretrained
        self.stem = double_conv(in_channels, DOWN_WIDTHS[0])
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), *double_conv(fine, coarse)) for fine, coarse in pairwise(DOWN_WIDTHS)
        )
        *skips, bottom = DOWN_WIDTHS
        self.up = nn.ModuleList(
            UpBlock(coarse, skip, fine, use_deconv, align_corners)
            for (coarse, fine), skip in zip(pairwise((bottom, *UP_WIDTHS)), reversed(skips), strict=True)
        )
        self.classify = nn.Conv2d(UP_WIDTHS[-1], num_classes, 3, padding=1)
        # One layer under two names, because PaddleSeg's weights hold it twice.
        self.classify_again = self.classify
        self.apply(paddle_defaults)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> logits (N, num_classes, H, W), a list of one."""
        x = self.stem(image)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for up in self.up:
            x = up(x, skips.pop())
        return [self.classify(x)]


def double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions; (N, in_channels, h, w) -> (N, out_channels, h, w)."""
    return nn.Sequential(ConvBNReLU(in_channels, out_channels, 3), ConvBNReLU(out_channels, out_channels, 3))


class UpBlock(nn.Module):
    """Double the resolution, and fuse with the features that had it before.

    Args:
        in_channels: channels of the coarse features.
        skip_channels: channels of the fine features.
        out_channels: channels of the output.
        use_deconv: see ``UNet``.
        align_corners: see ``UNet``.
    """

    paddle_names: ClassVar = {"double_conv": "fuse"}

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, use_deconv: bool, align_corners: bool
    ) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.deconv = nn.ConvTranspose2d(in_channels, out_channels // 2, 2, stride=2) if use_deconv else None
        up_channels = out_channels // 2 if use_deconv else in_channels
        self.fuse = double_conv(up_channels + skip_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """(N, in_channels, h // 2, w // 2) and (N, skip_channels, h, w) -> (N, out_channels, h, w)."""
        if self.deconv is None:
            x = resize_to(x, skip, self.align_corners)
        else:
            x = self.deconv(x)
            missing_rows, missing_columns = skip.shape[-2] - x.shape[-2], skip.shape[-1] - x.shape[-1]
            x = F.pad(x, (0, missing_columns, 0, missing_rows))  # the odd pixel that pooling dropped
        return self.fuse(torch.cat([x, skip], dim=1))
