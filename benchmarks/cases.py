"""Models whose speed is compared, as both sides' configurations spell them. Standard library only."""

from dataclasses import dataclass, replace
from typing import Any

Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Case:
    """A model, the loss it is trained with, and the sizes (N, C, H, W) at which it is measured."""

    model: dict[str, Any]
    loss: dict[str, Any]
    step: Shape
    forward: Shape

    @property
    def num_classes(self) -> int:
        return self.model["num_classes"]

    def with_classes(self, count: int | None) -> "Case":
        """The same for another number of classes, if one is given."""
        return replace(self, model={**self.model, "num_classes": count}) if count else self


CASES = {
    "bisenet": Case(
        model={"type": "BiSeNetV2", "num_classes": 11},
        loss={"types": [{"type": "CrossEntropyLoss"}], "coef": [1, 1, 1, 1, 1]},
        step=(4, 3, 256, 256),
        forward=(1, 3, 512, 1024),
    ),
    "lraspp": Case(
        model={
            "type": "LRASPP",
            "num_classes": 19,
            "backbone": {"type": "MobileNetV3_large_x1_0_os8"},
            "backbone_indices": [0, 1, 3],
            "lraspp_head_inter_chs": [32, 64],
            "lraspp_head_out_ch": 128,
            "resize_mode": "bilinear",
        },
        # The configuration keeps at least 130 000 pixels of four crops of 1024x512; this is the same share.
        loss={"types": [{"type": "OhemCrossEntropyLoss", "min_kept": 32500}], "coef": [1]},
        step=(2, 3, 512, 512),
        forward=(1, 3, 512, 1024),
    ),
    "ocrnet": Case(
        model={
            "type": "OCRNet",
            "num_classes": 19,
            "backbone": {"type": "HRNet_W18"},
            "backbone_indices": [0],
        },
        loss={"types": [{"type": "CrossEntropyLoss"}], "coef": [1, 0.4]},
        step=(2, 3, 256, 256),
        forward=(1, 3, 256, 512),
    ),
}

SLIDING: dict[str, Any] = {"crop_size": [256, 256], "stride": [128, 128]}
