"""Models that a new configuration may have, and what suits each of them. Plain data: the command line reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TARGETS = ("accuracy", "speed", "edge")
WEIGHTS = "https://bj.bcebos.com/paddleseg/dygraph"


@dataclass(frozen=True)
class Recipe:
    """A model and how it is trained.

    Attributes:
        model: its block; with a backbone, weights go there.
        what: it is, in words.
        coef: factor of each output's loss, in the order of the outputs.
        rate: learning rate for batches of 8.
        weight_decay: L2.
        url: published weights that it may start from; empty if there are none.
    """

    model: Mapping[str, Any]
    what: str
    rate: float
    weight_decay: float = 4.0e-5
    coef: tuple[float, ...] = (1,)
    url: str = ""

    @property
    def has_backbone(self) -> bool:
        """Whether weights belong to a part of the model."""
        return "backbone" in self.model


RECIPES = {
    "bisenetv2": Recipe(
        {"type": "BiSeNetV2"},
        "two branches, five supervised outputs",
        rate=0.02,
        coef=(1, 1, 1, 1, 1),
    ),
    "lraspp": Recipe(
        {"type": "LRASPP", "backbone": {"type": "MobileNetV3_large_x1_0"}, "backbone_indices": [0, 1, 3]},
        "MobileNetV3-Large with a light head",
        rate=0.02,
        weight_decay=5.0e-4,
        url="https://paddleseg.bj.bcebos.com/dygraph/backbone/mobilenetv3_large_x1_0_ssld.tar.gz",
    ),
    "lraspp_small": Recipe(
        {"type": "LRASPP", "backbone": {"type": "MobileNetV3_small_x1_0"}, "backbone_indices": [0, 1, 3]},
        "MobileNetV3-Small with a light head, the smallest of all",
        rate=0.02,
        weight_decay=5.0e-4,
    ),
    "deeplabv3p": Recipe(
        {
            "type": "DeepLabV3P",
            "backbone": {"type": "ResNet50_vd", "output_stride": 8, "multi_grid": [1, 2, 4]},
            "backbone_indices": [0, 3],
            "aspp_ratios": [1, 12, 24, 36],
            "aspp_out_channels": 256,
        },
        "ResNet50-vd at stride 8 with a decoder",
        rate=0.01,
        url=f"{WEIGHTS}/resnet50_vd_ssld_v2.tar.gz",
    ),
    "ocrnet": Recipe(
        {"type": "OCRNet", "backbone": {"type": "HRNet_W18"}, "backbone_indices": [0]},
        "HRNet-W18 with object context, sharp borders",
        rate=0.01,
        coef=(1, 0.4),
        url=f"{WEIGHTS}/hrnet_w18_ssld.tar.gz",
    ),
    "unet": Recipe({"type": "UNet"}, "plain and heavy, good on thin structures", rate=0.01),
}
