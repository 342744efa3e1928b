"""Blocks that several architectures share. They compute what PaddleSeg's blocks of the same name compute."""

from segwright.layers.adaptive_pooling import adaptive_average
from segwright.layers.aspp import ASPP
from segwright.layers.aux_head import AuxHead
from segwright.layers.batch_norm import BatchNorm2d
from segwright.layers.conv import ConvBN, ConvBNReLU, DepthwiseConvBN, SameConv2d
from segwright.layers.depthwise import DepthwiseConv2d
from segwright.layers.initialise import kaiming, narrow_normal, paddle_defaults
from segwright.layers.object_context import ObjectContextHead
from segwright.layers.polarized_attention import PolarizedSelfAttention
from segwright.layers.pyramid_pooling import PyramidPooling
from segwright.layers.resize import resize_to
from segwright.layers.separable import SeparableConvBNReLU

__all__ = [
    "ASPP",
    "AuxHead",
    "BatchNorm2d",
    "ConvBN",
    "ConvBNReLU",
    "DepthwiseConv2d",
    "DepthwiseConvBN",
    "ObjectContextHead",
    "PolarizedSelfAttention",
    "PyramidPooling",
    "SameConv2d",
    "SeparableConvBNReLU",
    "adaptive_average",
    "kaiming",
    "narrow_normal",
    "paddle_defaults",
    "resize_to",
]
