"""Batch normalisation (Ioffe & Szegedy, 2015, https://arxiv.org/abs/1502.03167) that keeps Paddle's statistics."""

import torch
from torch import Tensor, nn


class BatchNorm2d(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` whose running variance follows the biased batch variance, as Paddle's does.

    With n values per channel PyTorch lets ``running_var`` follow sum((x - mean)²) / (n - 1), Paddle
    sum((x - mean)²) / n. Behind global pooling n is the batch size, so the two differ by a factor of two at
    batch 2, and weights trained with one rule are evaluated with the wrong statistics by the other. Like Paddle,
    and unlike PyTorch, it also trains on a single value per channel (batch 1 behind global pooling), where the
    output is the bias.

    Args:
        num_features: channels.
        eps: added to the variance.
        momentum: weight of the new batch in the running statistics (Paddle's ``momentum`` is one minus this).
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(num_features, eps=eps, momentum=momentum)
        self.momentum: float = momentum

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that nn.BatchNorm2d gives it
        """(N, num_features, H, W) -> the same shape and memory format."""
        if not self.training:
            return super().forward(input)
        num_values = input.numel() // input.shape[1]
        if num_values == 1:
            return self._forward_single(input)
        self.num_batches_tracked.add_(1)
        # With v' = (1 - m) v / b + m unbiased and b = (n - 1) / n, it is b v' that follows the biased variance.
        # Scaling a copy, not the buffer, because autograd holds on to the tensor that it is given.
        biased = (num_values - 1) / num_values
        variance = self.running_var / biased
        output = self._normalize(input, self.running_mean, variance)
        with torch.no_grad():
            torch.mul(variance, biased, out=self.running_var)
        return output

    def _forward_single(self, input: Tensor) -> Tensor:  # noqa: A002
        """One value per channel: it is its own mean, and its variance is 0."""
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(input.detach().flatten().to(self.running_mean.dtype), self.momentum)
            self.running_var.mul_(1 - self.momentum)
        return self._normalize(input, None, None)

    def _normalize(self, input: Tensor, mean: Tensor | None, variance: Tensor | None) -> Tensor:  # noqa: A002
        """Normalise by the batch and update ``mean`` and ``variance``; as F.batch_norm, but for any batch size."""
        return torch.batch_norm(
            input,
            self.weight,
            self.bias,
            mean,
            variance,
            True,  # training
            self.momentum,
            self.eps,
            torch.backends.cudnn.enabled,
        )
