"""What happens to a picture before a model sees it, as the block of a data set states it."""

from typing import Any

from segwright.registry import DATASETS

Block = dict[str, Any]


def training_transforms(dataset: Block) -> list[Block]:
    """All that training pictures go through, in order."""
    keys = ("transforms", "common_transforms", "transforms1")
    return with_own(dataset, [block for key in keys for block in dataset.get(key) or []])


def evaluation_transforms(dataset: Block) -> list[Block]:
    """What pictures go through in evaluation, and hence in prediction and in front of an exported model."""
    return with_own(dataset, dataset.get("transforms") or dataset.get("common_transforms") or [])


def with_own(dataset: Block, blocks: list[Block]) -> list[Block]:
    """``blocks`` and, unless they are among them, what the data set adds to every list by itself."""
    own = getattr(DATASETS.get(dataset.get("type", "")), "own_transforms", ())
    names = [transform.__name__ for transform in own]
    return [*blocks, *({"type": name} for name in names if {"type": name} not in blocks)]
