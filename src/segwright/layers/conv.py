"""Convolution and batch normalisation, by default padded as Paddle's ``padding="same"`` pads."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from segwright.layers.batch_norm import BatchNorm2d
from segwright.layers.depthwise import DepthwiseConv2d


class SameConv2d(nn.Conv2d):
    """Convolution whose output has ceil(size / stride) pixels per side, padded as Paddle (and TensorFlow) do.

    Where the padding is odd, the extra pixel goes to the bottom and right. A 3x3 kernel at stride 2 hence pads
    (0, 1) for even sizes and (1, 1) for odd ones, where PyTorch's ``padding=1`` would sample even sizes one
    pixel off.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: side of the square kernel.
        stride: step of the kernel; at most ``kernel_size`` unless that is 1.
        groups: as in ``nn.Conv2d``.
        bias: as in ``nn.Conv2d``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        if 1 < kernel_size < stride:
            raise ValueError(f"a {kernel_size}x{kernel_size} kernel at stride {stride} would skip pixels")
        # At stride 1 an odd kernel needs the same padding at any size and on every side: the convolution's own.
        symmetric = stride == 1 and kernel_size % 2 == 1
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2 if symmetric else 0,
            groups=groups,
            bias=bias,
        )
        self.pads_by_size = not symmetric and kernel_size > 1

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that nn.Conv2d gives it
        """(N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        if self.pads_by_size:
            height, width = input.shape[-2:]
            input = F.pad(input, (*self._padding(width), *self._padding(height)))  # noqa: A001
        return super().forward(input)

    def _padding(self, size: int) -> tuple[int, int]:
        """Pixels before and after a side of ``size`` pixels.

        (ceil(size / stride) - 1) * stride + kernel_size - size, written without a branch on the size: when a
        model is exported with free height and width, this very expression becomes part of the graph.
        """
        total = self.kernel_size[0] - self.stride[0] + -size % self.stride[0]
        return total // 2, total - total // 2


class ConvBN(nn.Module):
    """Convolution, then batch normalisation.

    The convolution keeps a bias in front of the normalisation, which cancels it, because PaddleSeg's does and
    its weights hold one, unless told otherwise.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: side of the square kernel.
        stride: step of the kernel.
        padding: pixels on every side; ``None`` pads as ``SameConv2d`` does.
        dilation: distance between the kernel's taps. Where PaddleSeg asks for it together with "same" padding,
            Paddle computes without it, so here the two exclude each other.
        groups: as in ``nn.Conv2d``.
        bias: whether the convolution has a bias.

    Raises:
        ValueError: dilation without padding.
    """

    paddle_names: ClassVar = {"_conv": "conv", "_batch_norm": "norm"}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if groups == in_channels == out_channels and stride == 1 and padding == dilation * (kernel_size // 2):
            self.conv: nn.Conv2d = DepthwiseConv2d(in_channels, kernel_size, dilation=dilation, bias=bias)
        elif padding is not None:
            self.conv = nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
                bias=bias,
            )
        elif dilation == 1:
            self.conv = SameConv2d(in_channels, out_channels, kernel_size, stride=stride, groups=groups, bias=bias)
        else:
            raise ValueError(f"dilation {dilation} needs a padding in pixels, such as {dilation * (kernel_size // 2)}")
        self.norm = BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, h, w); ceil(H / stride) rows with "same" padding."""
        return self.norm(self.conv(x))


class ConvBNReLU(ConvBN):
    """``ConvBN``, then ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        """As ``ConvBN``, but not negative."""
        return F.relu(super().forward(x), inplace=True)


class DepthwiseConvBN(ConvBN):
    """``ConvBN`` in which every input channel has its own ``out_channels / in_channels`` kernels."""

    paddle_names: ClassVar = {f"depthwise_conv.{theirs}": ours for theirs, ours in ConvBN.paddle_names.items()}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        dilation: int = 1,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=in_channels,
        )
