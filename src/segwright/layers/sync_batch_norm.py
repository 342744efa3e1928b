"""Batch normalisation over the batches of all processes, on CPUs (gloo) and GPUs (NCCL) alike.

Processes exchange, for each channel, the number of their values, their mean and the sum of squared deviations from it;
these combine without cancellation (Chan, Golub and LeVeque, 1983, "Algorithms for computing the sample variance"):
with counts n_i, means m_i and deviations s_i

    mean = sum n_i m_i / n,    n variance = sum s_i + n_i (m_i - mean)²

and every process gets the same bits. The gradient needs the sums of dy and dy x̂ over all processes (Ioffe and Szegedy,
2015): dx = weight / std (dy - (sum dy + x̂ sum dy x̂) / n).
"""

from functools import partial
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from segwright.layers.batch_norm import BatchNorm2d


def synchronise_batch_norm(model: nn.Module, group: dist.ProcessGroup | None = None) -> None:
    """Make every batch norm of a model, ours or PyTorch's, train on the values of all processes together.

    Modules, parameters, buffers and their names stay as they are. Evaluation, and training in a single process, is
    unchanged. Running variances keep the rule of their class: biased for ``BatchNorm2d`` of this package, unbiased for
    PyTorch's. Each process keeps its own sums as the gradients of weight and bias, as of any other parameter.

    Args:
        model: changed in place, at any time before or after ``DistributedDataParallel`` wraps it. Every process must
            run its batch norms in the same order, on one value per channel or more.
        group: processes to join; by default all.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            # An attribute of the object and not another class: what the class says of decay or names still holds.
            module.forward = partial(_forward, module, group)  # type: ignore[method-assign]


def _forward(norm: _BatchNorm, group: dist.ProcessGroup | None, input: Tensor) -> Tensor:  # noqa: A002
    """(N, C, ...) -> the same shape, dtype and memory format."""
    several = dist.is_available() and dist.is_initialized() and dist.get_world_size(group) > 1
    if not (norm.training and several):
        return type(norm).forward(norm, input)
    mean, variance, count = _moments(input.detach(), group)
    _update(norm, mean, variance, count)
    weight = torch.ones_like(mean) if norm.weight is None else norm.weight.to(mean.dtype)
    bias = torch.zeros_like(mean) if norm.bias is None else norm.bias.to(mean.dtype)
    return _Normalise.apply(input, weight, bias, mean, variance, count, norm.eps, group)


def _moments(values: Tensor, group: dist.ProcessGroup | None) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (C,), biased variance (C,) and number of values () of each channel over all processes.

    All are float32, or float64 if ``values`` are.
    """
    channels, count = values.shape[1], values.numel() // values.shape[1]
    # The kernel sums half precision in the precision of the running statistics that it is given.
    unused = values.new_zeros((2, channels), dtype=torch.promote_types(values.dtype, torch.float32))
    mean, variance = torch.batch_norm_update_stats(values, unused[0], unused[1], 0.0)
    own = torch.cat([mean, variance * count, mean.new_full((1,), count)])
    every = own.new_empty((dist.get_world_size(group), own.numel()))
    dist.all_gather(list(every.unbind()), own, group=group)
    means, deviations, counts = every.split([channels, channels, 1], dim=1)
    total = counts.sum()
    mean = (counts * means).sum(0) / total
    variance = (deviations + counts * (means - mean).square()).sum(0) / total
    return mean, variance, total


@torch.no_grad()
def _update(norm: _BatchNorm, mean: Tensor, variance: Tensor, count: Tensor) -> None:
    """Move the running statistics, if there are any, towards those of the batch."""
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    momentum = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    if not isinstance(norm, BatchNorm2d):
        variance = variance * count / (count - 1)
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), momentum)
    norm.running_var.lerp_(variance.to(norm.running_var.dtype), momentum)


class _Normalise(torch.autograd.Function):
    """``weight (x - mean) / sqrt(variance + eps) + bias``, where mean and variance are those of all processes' x."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        count: Tensor,
        eps: float,
        group: dist.ProcessGroup | None,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, variance, count)
        ctx.eps, ctx.group = eps, group
        return F.batch_norm(x, mean, variance, weight, bias, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance, count = ctx.saved_tensors
        std_inverse = (variance + ctx.eps).rsqrt()
        wanted = ctx.needs_input_grad[0]
        # The kernel takes the statistics for constants: dx is weight / std dy, and the others are the sums.
        dx, dweight, dbias = torch.ops.aten.native_batch_norm_backward(
            dy, x, weight, mean, variance, mean, std_inverse, False, ctx.eps, [wanted, True, True]
        )
        if wanted:
            sums = torch.stack([dweight, dbias])
            dist.all_reduce(sums, group=ctx.group)
            slope, offset = -weight * std_inverse * sums / count
            dx.add_(F.batch_norm(x, mean, variance, slope, offset, eps=ctx.eps))  # slope x̂ + offset in one pass
        return dx if wanted else None, dweight, dbias, None, None, None, None, None
