"""Head of a side output that is only trained, never used (deep supervision)."""

from typing import ClassVar

from torch import Tensor, nn

from segwright.layers.conv import ConvBNReLU


class AuxHead(nn.Module):
    """A small fully convolutional head; (N, in_channels, h, w) -> logits (N, num_classes, h, w).

    Args:
        in_channels: channels of the features.
        inter_channels: channels between the two convolutions.
        num_classes: classes to predict.
        dropout: probability to drop an element between the two convolutions.
    """

    paddle_names: ClassVar = {"conv_bn_relu": "conv", "conv": "classify"}

    def __init__(self, in_channels: int, inter_channels: int, num_classes: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.conv = ConvBNReLU(in_channels, inter_channels, 3)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.classify(self.dropout(self.conv(x)))
