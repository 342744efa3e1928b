"""How long each block of a model takes: what it computes itself, together with the layers directly in it."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import nn

from segwright.engine.evaluation import evaluating
from segwright.engine.model_analysis import RUNS, WARMUP, wait


@dataclass(frozen=True)
class Block:
    """A module with modules in it.

    Attributes:
        name: where it is in the model; empty for the model itself.
        kind: its class.
        milliseconds: median of its own time, blocks in it left out, and of the layers directly in it.
    """

    name: str
    kind: str
    milliseconds: float


def block_of(module: str, blocks: Collection[str]) -> str:
    """The block that a module is, or is directly in; ``blocks`` has the model itself, whose name is empty."""
    while module not in blocks:
        module = module.rpartition(".")[0]
    return module


def block_times(model: nn.Module, image: torch.Tensor) -> list[Block]:
    """Time a model on its device, in evaluation mode.

    Engines fuse an operation into the one before, a normalisation into its convolution; that mostly stays within a
    block, so that blocks can be compared where layers cannot.

    Args:
        model: takes ``image``.
        image: (N, C, H, W), on the same device.

    Returns:
        The blocks in the model's order.
    """
    modules = dict(model.named_modules())
    blocks = {name: type(module).__name__ for name, module in modules.items() if not name or any(module.children())}
    own: dict[str, list[float]] = {name: [] for name in blocks}
    running: list[tuple[float, list[float]]] = []  # start of each module under way, seconds of those inside it

    def before(*_: object) -> None:
        wait(image.device)
        running.append((time.perf_counter(), []))

    def after(block: str) -> Any:
        def hook(*_: object) -> None:
            wait(image.device)
            start, inside = running.pop()
            seconds = time.perf_counter() - start
            own[block][-1] += seconds - sum(inside)
            if running:
                running[-1][1].append(seconds)

        return hook

    handles = [module.register_forward_pre_hook(before) for module in modules.values()]
    handles += [module.register_forward_hook(after(block_of(name, blocks))) for name, module in modules.items()]
    try:
        with evaluating(model):
            for _ in range(WARMUP + RUNS):
                for times in own.values():
                    times.append(0.0)
                model(image)
    finally:
        for handle in handles:
            handle.remove()
    return [Block(name, kind, 1000 * median(own[name][WARMUP:])) for name, kind in blocks.items()]
