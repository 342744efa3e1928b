"""Consistency of a segmentation's edges with the label's."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES

RADIUS = 4  # of the smoothing filter, in pixels
EPS_NOISE = 1e-10  # keeps both logarithms finite
EPS_SLOPE = 1e-6  # keeps the square root differentiable where nothing changes


@LOSSES.register
class DualTaskLoss(nn.Module):
    """Mean ``|edges(p) - edges(y)|`` over pixels and classes (Gated-SCNN: Takikawa et al., 2019).

    The dual task regulariser of https://arxiv.org/abs/1907.05740. ``edges`` is the steepness of a smoothed map as a
    share of the steepest place in the batch, all being 0 beyond the picture; p is drawn from the predicted
    probabilities by the Gumbel softmax, with random numbers of torch's generator. Ignored pixels look like class 0 to
    their neighbours, and are left out of the sum, but not of the number it is divided by. The paper counts places
    where either map has an edge; PaddleSeg sets the threshold for that so low, at 1e-8, that every place counts.

    Args:
        ignore_index: label id that contributes nothing.
        tau: temperature of the Gumbel softmax; the smaller, the nearer p is to 0 or 1.

    Raises:
        ConfigError: ``tau`` is not above 0.
    """

    def __init__(self, ignore_index: int = 255, tau: float = 0.5) -> None:
        super().__init__()
        if tau <= 0:
            raise ConfigError(f"tau is a number above 0, got {tau}")
        self.ignore_index = ignore_index
        self.tau = tau

    def forward(self, logits: Tensor, label: Tensor, uniform: Tensor | None = None) -> Tensor:
        """(N, C, H, W) logits and (N, H, W) label -> scalar; 0 when every pixel is ignored.

        ``uniform``, of the logits' shape and from 0 to 1, takes the place of random numbers.
        """
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        valid = valid.unsqueeze(1)
        if uniform is None:
            uniform = torch.rand_like(logits)
        noise = -(EPS_NOISE - (uniform + EPS_NOISE).log()).log()
        probs = ((torch.where(valid, logits, 0) + noise) / self.tau).softmax(dim=1)
        truth = F.one_hot(label, logits.shape[1]).movedim(-1, 1).to(probs.dtype)
        return ((edges(probs) - edges(truth)).abs() * valid).mean()


def edges(maps: Tensor) -> Tensor:
    """Steepness of smoothed maps: (N, C, H, W) -> the same, relative to the largest of all."""
    maps = smooth(maps)
    across = F.pad(maps, (1, 1, 0, 0))
    down = F.pad(maps, (0, 0, 1, 1))
    slope_x = (across[..., 2:] - across[..., :-2]) / 2
    slope_y = (down[..., 2:, :] - down[..., :-2, :]) / 2
    steepness = (slope_x.square() + slope_y.square() + EPS_SLOPE).sqrt()
    return steepness / steepness.max()


def smooth(maps: Tensor) -> Tensor:
    """Mean of the surroundings with a weight that falls linearly to 0 at ``RADIUS + 1`` pixels; maps mirror outside.

    Such a triangle is a box averaged by a box.
    """
    maps = mirrored(mirrored(maps, -1), -2)
    for _ in range(2):
        maps = F.avg_pool2d(maps, RADIUS + 1, stride=1)
    return maps


def mirrored(maps: Tensor, dim: int) -> Tensor:
    """``RADIUS`` more pixels on either end, the outermost one twice: 1 0 | 0 1 2 | 2 1; any number of times."""
    side = maps.shape[dim]
    beyond = torch.cat([torch.arange(-RADIUS, 0), torch.arange(side, side + RADIUS)]).to(maps.device) % (2 * side)
    before, after = maps.index_select(dim, torch.minimum(beyond, 2 * side - 1 - beyond)).chunk(2, dim)
    return torch.cat([before, maps, after], dim)
