"""Region mutual information: the prediction of a pixel's surroundings against the truth of them."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError, DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES

RIDGE = 5e-4  # added to all variances, so that no covariance is singular
EPS = 1e-8  # keeps the logarithm of a vanishing deviation finite


@LOSSES.register
class RMILoss(nn.Module):
    """How little the probabilities around a pixel tell of the labels there (Zhao et al., 2019).

    https://arxiv.org/abs/1910.12037. Both maps are made smaller; the ``d = rmi_radius ** 2`` values of a square window
    around every pixel are then one sample of a random vector, y for labels (1 where the pixel is of the class, else 0)
    and p for probabilities (sigmoid of the logits). Taking them for normal, the loss of a class is
    ``log det(S_yy - S_yp S_pp^-1 S_py) / (2 d)``, a bound on minus their mutual information, S being covariances,
    summed over the image. It is averaged over the images and added over the classes, and may be negative.

    This is the term for regions alone; put it into a ``MixedLoss`` with a cross entropy, as in the paper.

    Args:
        num_classes: classes of the logits; default: as many as they have.
        rmi_radius: side of the window in pixels of the smaller map, 1..10.
        rmi_pool_way: how maps are made smaller: 0 by the maximum, 1 by the mean, 2 by resampling.
        rmi_pool_size: side of the square that becomes one pixel; equals ``rmi_pool_stride``.
        rmi_pool_stride: how many times smaller; 1 leaves the maps as they are.
        loss_weight_lambda: PaddleSeg accepts it and does nothing with it; here only its default is accepted.
        ignore_index: label id whose pixels are of no class and have probabilities of 0.

    Raises:
        ConfigError: a value outside its bounds.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        rmi_radius: int = 3,
        rmi_pool_way: Literal[0, 1, 2] = 0,
        rmi_pool_size: int = 3,
        rmi_pool_stride: int = 3,
        loss_weight_lambda: float = 0.5,
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        if not 1 <= rmi_radius <= 10:
            raise ConfigError(f"rmi_radius is a number of pixels from 1 to 10, got {rmi_radius}")
        if rmi_pool_size != rmi_pool_stride or rmi_pool_stride < 1:
            raise ConfigError(
                "rmi_pool_size and rmi_pool_stride are one number, 1 or more; "
                f"got {rmi_pool_size} and {rmi_pool_stride}"
            )
        if loss_weight_lambda != 0.5:
            raise ConfigError(
                f"loss_weight_lambda, here {loss_weight_lambda}, has no effect in PaddleSeg; "
                "remove it, and weigh RMILoss by the coef of a MixedLoss instead"
            )
        self.num_classes = num_classes
        self.radius = rmi_radius
        self.pool_way = rmi_pool_way
        self.stride = rmi_pool_stride
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar. Covariances are in float64.

        Raises:
            DataError: the logits are of another number of classes, or smaller than a window.
        """
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        num_classes = logits.shape[1]
        if self.num_classes not in (None, num_classes):
            raise DataError(
                f"RMILoss has num_classes: {self.num_classes}, but the model predicts {num_classes} classes"
            )

        probs = logits.masked_fill(~valid.unsqueeze(1), -math.inf).sigmoid()
        ids = torch.arange(num_classes, device=label.device).view(-1, 1, 1)
        truth = (torch.where(valid, label, -1).unsqueeze(1) == ids).to(probs.dtype)
        probs, truth = self._smaller(probs, "bilinear"), self._smaller(truth, "nearest")  # (N, C, h, w)
        if min(probs.shape[-2:]) < self.radius:
            raise DataError(
                f"RMILoss looks at windows of {self.radius}x{self.radius} pixels after pooling by {self.stride}, "
                f"but the logits are {logits.shape[-1]}x{logits.shape[-2]} pixels; train on larger crops"
            )
        covariance = WindowCovariance.apply(probs, truth, self.radius)
        return self._bound(covariance).mean(dim=0).sum().to(logits.dtype)

    def _smaller(self, maps: Tensor, mode: str) -> Tensor:
        """(N, C, H, W) -> (N, C, h, w), ``stride`` times smaller; ``mode`` is for resampling."""
        if self.stride == 1:
            return maps
        if self.pool_way == 0:
            return F.max_pool2d(maps, self.stride, padding=self.stride // 2)
        if self.pool_way == 1:
            return F.avg_pool2d(maps, self.stride, padding=self.stride // 2, count_include_pad=False)
        size = [side // self.stride for side in maps.shape[-2:]]
        return F.interpolate(maps, size, mode=mode, align_corners=True if mode == "bilinear" else None)

    def _bound(self, covariance: Tensor) -> Tensor:
        """(N, C, 2 d, 2 d) covariances of (p, y) -> (N, C) losses, NaN where the logits hold NaN.

        The variance of y given p is a Schur complement, whose Cholesky factor is the lower right part of the whole's.
        That part is positive however close to singular the covariance is, where an inverse would have failed.
        """
        dim = self.radius**2
        ridge = RIDGE * torch.eye(2 * dim, dtype=covariance.dtype, device=covariance.device)
        factor, failed = torch.linalg.cholesky_ex(covariance + ridge)
        deviations = factor.diagonal(dim1=-2, dim2=-1)[..., dim:]
        return ((deviations + EPS).log().sum(dim=-1) / dim).masked_fill(failed > 0, math.nan)


class WindowCovariance(torch.autograd.Function):
    """Covariances between all places of a window that slides over two maps, as sums over its positions.

    The windows take ``2 radius^2`` times the memory of the maps, so they are made for one class of one image at a
    time, and once more for the gradient.
    """

    @staticmethod
    def forward(ctx: Any, probs: Tensor, truth: Tensor, radius: int) -> Tensor:
        """Two maps (N, C, h, w) -> (N, C, 2 d, 2 d) in float64, where d is ``radius ** 2``."""
        ctx.save_for_backward(probs, truth)
        ctx.radius = radius
        covariances = []
        for pair in zip(probs.flatten(0, 1), truth.flatten(0, 1), strict=True):
            windows = centred_windows(pair, radius)
            covariances.append(windows @ windows.T)
        return torch.stack(covariances).unflatten(0, probs.shape[:2])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """Gradient of the first map; the second is the truth. What is centred has no gradient by its mean."""
        probs, truth = ctx.saved_tensors
        of_covariance = (grad + grad.mT)[..., : ctx.radius**2, :]  # (N, C, d, 2 d)
        grads = []
        for factor, *pair in zip(*(each.flatten(0, 1) for each in (of_covariance, probs, truth)), strict=True):
            of_windows = factor @ centred_windows(pair, ctx.radius)  # (d, P)
            grads.append(F.fold(of_windows, probs.shape[-2:], ctx.radius).to(probs.dtype))
        return torch.cat(grads).view_as(probs), None, None


def centred_windows(maps: Sequence[Tensor], radius: int) -> Tensor:
    """Two maps (h, w) -> (2 d, P) in float64, a column for each position of the window; rows have mean 0."""
    windows = F.unfold(torch.stack(list(maps)).double(), radius)
    return windows.sub_(windows.mean(dim=1, keepdim=True))
