"""Blocks that several architectures share. They compute what PaddleSeg's blocks of the same name compute."""

from segwright.layers.batch_norm import BatchNorm2d
from segwright.layers.conv import ConvBN, ConvBNReLU, DepthwiseConvBN, SameConv2d
from segwright.layers.resize import resize_to

__all__ = ["BatchNorm2d", "ConvBN", "ConvBNReLU", "DepthwiseConvBN", "SameConv2d", "resize_to"]
