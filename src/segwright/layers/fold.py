"""Batch normalisations folded into the convolutions before them, which saves a pass over every feature map."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from segwright.layers.conv import ConvBN


def folded(model: nn.Module) -> nn.Module:
    """A copy for inference only: W' = s W and b' = s (b - mean) + offset, with s = scale / sqrt(variance + epsilon).

    The logits are those of the model but for the rounding of float32.
    """
    copied = copy.deepcopy(model).eval()
    for block in copied.modules():
        if isinstance(block, ConvBN) and isinstance(block.norm, nn.BatchNorm2d):
            block.conv = fuse_conv_bn_eval(block.conv, block.norm)
            block.norm = nn.Identity()  # type: ignore[assignment]
    return copied
