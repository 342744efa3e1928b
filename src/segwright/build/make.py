"""Objects from blocks of plain data; also the entry points for scripts that have no file."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.optim import Optimizer

from segwright.build.components import Where, construct, here
from segwright.config.signature import accepts
from segwright.errors import ConfigError
from segwright.registry import DATASETS, LOSSES, MODELS, OPTIMIZERS, SCHEDULERS, TRANSFORMS
from segwright.transforms import Compose

if TYPE_CHECKING:
    from segwright.datasets.base import SegmentationDataset
    from segwright.optim import Schedule


def build_model(block: dict[str, Any]) -> nn.Module:
    """Model from ``{"type": "BiSeNetV2", "num_classes": 5}``, with random weights; nothing is downloaded."""
    return construct(MODELS, block)


def build_loss(block: dict[str, Any]) -> nn.Module:
    """Loss from ``{"type": "CrossEntropyLoss"}``: ``loss(logits, label) -> scalar``."""
    return construct(LOSSES, block)


def build_losses(block: dict[str, Any]) -> dict[str, list[Any]]:
    """``{"types": [blocks], "coef": [factors]}`` with its types built, as ``train`` takes it."""
    types = [build_loss(item) for item in block["types"]]
    return {"types": types * len(block["coef"]) if len(types) == 1 else types, "coef": list(block["coef"])}


def build_transforms(blocks: Sequence[dict[str, Any]], *, to_rgb: bool = True, img_channels: int = 3) -> Compose:
    """``Compose`` from a list of blocks."""
    steps = [
        construct(TRANSFORMS, block, lambda *path, index=index: here(f"transforms[{index}]", *path))
        for index, block in enumerate(blocks)
    ]
    return Compose(steps, to_rgb=to_rgb, img_channels=img_channels)


def build_dataset(block: dict[str, Any], where: Where = here) -> "SegmentationDataset":
    """Data set from ``{"type": "Dataset", "dataset_root": ..., "transforms": [...]}``.

    ``where`` tells the place of a key of the block, for messages.
    """
    return construct(DATASETS, block, where)


def build_optimizer(block: dict[str, Any], model: nn.Module, lr: float) -> Optimizer:
    """Optimiser from ``{"type": "SGD", "momentum": 0.9}`` over the trainable parameters of ``model``."""
    return construct(OPTIMIZERS, block, lambda *path: here("optimizer", *path), model=model, lr=lr)


def build_scheduler(block: dict[str, Any], optimizer: Optimizer, iters: int) -> "Schedule":
    """Schedule from ``{"type": "PolynomialDecay", "learning_rate": 0.01, ...}``.

    A schedule with an end gets ``decay_steps = iters - warmup_iters`` unless the block states it.
    """
    block = dict(block)
    if "decay_steps" not in block and accepts(SCHEDULERS.find(block.get("type", "")), "decay_steps"):
        warmup = block.get("warmup_iters", 0)
        block["decay_steps"] = iters - warmup
        if warmup and block["decay_steps"] < 1:
            raise ConfigError(
                f"lr_scheduler: a warm-up of {warmup} iterations leaves nothing of {iters}; "
                f"train longer, or shorten it: --opts lr_scheduler.warmup_iters={iters // 10}"
            )
    return construct(SCHEDULERS, block, lambda *path: here("lr_scheduler", *path), optimizer=optimizer)
