"""Depthwise separable convolution (Chollet, 2017, https://arxiv.org/abs/1610.02357)."""

from typing import ClassVar

from torch import Tensor, nn

from segwright.layers.conv import ConvBN, ConvBNReLU


class SeparableConvBNReLU(nn.Module):
    """A kernel of its own for every channel, then a 1x1 convolution that mixes channels, both normalised.

    ReLU comes at the end only: as in DeepLabV3+ of PaddleSeg there is none between the two.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: side of the depthwise kernel.
        padding: of the depthwise convolution, pixels on every side; ``None`` pads as ``SameConv2d`` does.
        dilation: distance between the depthwise kernel's taps.
    """

    paddle_names: ClassVar = {"depthwise_conv": "depthwise", "piontwise_conv": "pointwise"}  # spelled so in Paddle

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, padding: int | None = None, dilation: int = 1
    ) -> None:
        super().__init__()
        self.depthwise = ConvBN(
            in_channels, in_channels, kernel_size, padding=padding, dilation=dilation, groups=in_channels
        )
        self.pointwise = ConvBNReLU(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W), not negative."""
        return self.pointwise(self.depthwise(x))
