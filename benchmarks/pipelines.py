"""Training transforms whose speed is compared, as both sides' configurations spell them. Standard library only."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

BATCH_SIZE = 4  # where whole batches are read


@dataclass(frozen=True)
class Pipeline:
    """What happens to a picture between its file and the model.

    Attributes:
        transforms: blocks as in a configuration.
        num_classes: of the label maps.
        train_list: list of pairs in the folder of the pictures.
        enlarged: width and height that the pictures are first brought to, and saved as PNG, or None.
    """

    transforms: list[dict[str, Any]]
    num_classes: int
    train_list: str
    enlarged: tuple[int, int] | None = None


PIPELINES = {
    # configs/bisenet/bisenet_optic_disc_512x512_1k.yml
    "optic_disc": Pipeline(
        transforms=[
            {"type": "Resize", "target_size": [512, 512]},
            {"type": "RandomHorizontalFlip"},
            {"type": "Normalize"},
        ],
        num_classes=2,
        train_list="train_list.txt",
    ),
    # configs/lraspp/lraspp_mobilenetv3_cityscapes_1024x512_80k.yml; Cityscapes' pictures are PNG of this size
    "cityscapes": Pipeline(
        transforms=[
            {"type": "ResizeStepScaling", "min_scale_factor": 0.5, "max_scale_factor": 2.0, "scale_step_size": 0.25},
            {"type": "RandomPaddingCrop", "crop_size": [1024, 512]},
            {"type": "RandomHorizontalFlip"},
            {"type": "RandomDistort", "brightness_range": 0.5, "contrast_range": 0.5, "saturation_range": 0.5},
            {"type": "Normalize"},
        ],
        num_classes=11,
        train_list="train.txt",
        enlarged=(2048, 1024),
    ),
}


def settling(batches: Iterator[object], num_workers: int) -> Callable[[], object]:
    """Something to be called before batches are counted: takes those that readers have made ready while they waited."""
    return lambda: deque(islice(batches, 2 * num_workers + 4), maxlen=0)
