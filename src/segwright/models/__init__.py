"""Architectures, one per file, named in configs by their class names."""

from segwright.models.bisenet_v2 import BiSeNetV2

__all__ = ["BiSeNetV2"]
