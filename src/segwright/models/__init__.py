"""Architectures, one per file, named in configs by their class names."""

from segwright.models.ann import ANN
from segwright.models.bisenet_v1 import BiSeNetV1
from segwright.models.bisenet_v2 import BiSeNetV2
from segwright.models.deeplab_v3 import DeepLabV3
from segwright.models.deeplab_v3p import DeepLabV3P
from segwright.models.fcn import FCN
from segwright.models.lraspp import LRASPP
from segwright.models.mscale_ocrnet import MscaleOCRNet
from segwright.models.ocrnet import OCRNet
from segwright.models.pspnet import PSPNet
from segwright.models.unet import UNet

__all__ = [
    "ANN",
    "FCN",
    "LRASPP",
    "BiSeNetV1",
    "BiSeNetV2",
    "DeepLabV3",
    "DeepLabV3P",
    "MscaleOCRNet",
    "OCRNet",
    "PSPNet",
    "UNet",
]
