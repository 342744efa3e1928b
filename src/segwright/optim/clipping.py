"""Gradient clipping, under the names of Paddle's classes.

It belongs to the optimiser: a hook clips as its step begins, that is after gradient scaling has been taken back and the
gradients of all processes have been averaged, and before L2 decay is added.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.optim import Optimizer
from typing_extensions import NotRequired, TypedDict  # typing.TypedDict cannot be validated before Python 3.12

Positive = Annotated[float, Field(gt=0)]


class ClipGradByGlobalNorm(TypedDict):
    """Scale all gradients together, so that the norm of all of them is at most ``clip_norm``."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]

    name: Literal["ClipGradByGlobalNorm"]
    clip_norm: Positive


class ClipGradByNorm(TypedDict):
    """Scale each gradient by itself, so that its norm is at most ``clip_norm``."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]

    name: Literal["ClipGradByNorm"]
    clip_norm: Positive


class ClipGradByValue(TypedDict):
    """Bring each entry of each gradient between ``min``, by default ``-max``, and ``max``."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]

    name: Literal["ClipGradByValue"]
    max: float
    min: NotRequired[float]


GradClip = Annotated[ClipGradByGlobalNorm | ClipGradByNorm | ClipGradByValue, Field(discriminator="name")]


def clip_before_steps(optimizer: Optimizer, rule: GradClip, *, by_group: bool) -> None:
    """Make every step of the optimiser clip the gradients first.

    Args:
        optimizer: the optimiser.
        rule: how to clip.
        by_group: take a global norm over each of the optimiser's groups instead of over all of them.
    """

    def clip(optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG001
        groups = [[p.grad for p in group["params"] if p.grad is not None] for group in optimizer.param_groups]
        if (scale := getattr(optimizer, "grad_scale", None)) is not None:
            # A fused optimiser is left to take a GradScaler's factor back itself, which would be after clipping.
            for gradients in groups:
                torch._foreach_div_(gradients, scale)
            optimizer.grad_scale = None  # type: ignore[attr-defined]
        for gradients in groups if by_group else [[gradient for group in groups for gradient in group]]:
            clip_gradients(gradients, rule)

    optimizer.register_step_pre_hook(clip)


@torch.no_grad()
def clip_gradients(gradients: list[Tensor], rule: GradClip) -> None:
    """Clip in place, without waiting for the device."""
    match rule["name"]:
        case "ClipGradByGlobalNorm":
            _limit_norm(gradients, rule["clip_norm"])
        case "ClipGradByNorm":
            for gradient in gradients:
                _limit_norm([gradient], rule["clip_norm"])
        case "ClipGradByValue":
            for gradient in gradients:
                gradient.clamp_(rule.get("min", -rule["max"]), rule["max"])


def _limit_norm(gradients: Iterable[Tensor], limit: float) -> None:
    """``g limit / max(norm, limit)``; torch's own function adds 1e-6 to the norm, which small limits feel."""
    norm = torch.nn.utils.get_total_norm(gradients)
    scale = limit / norm.clamp(min=limit)
    for gradient in gradients:
        gradient.mul_(scale)
