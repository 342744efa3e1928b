"""Boundary label relaxation: at a border, any of the classes that meet there is right."""

import torch
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES


@LOSSES.register
class RelaxBoundaryLoss(nn.Module):
    """``-log sum_c p_c`` over the classes c that occur around a pixel (Zhu et al., 2019).

    https://arxiv.org/abs/1812.01593. Away from borders this is the cross entropy. It is averaged over the
    pixels of an image that have a class around them, plus one, and **added** over the images of a batch, as in the
    authors' code and PaddleSeg; ignored pixels at a border take part, with the classes beside them.

    Args:
        border: "around" means within this many pixels, rows and columns alike.
        calculate_weights: weigh a class by ``1 + upper_bound * (1 - its share of the image)``; a pixel has the mean
            weight of its classes.
        upper_bound: see above; has no effect otherwise.
        ignore_index: label id that is no class.
        as_paddleseg: divide the loss of an image by the numbers of classes around the same pixel in every image of the
            batch, and add up. PaddleSeg does so by mistake, which makes its loss larger by about the batch size.

    Raises:
        ConfigError: ``border`` is negative.
    """

    def __init__(
        self,
        border: int = 1,
        calculate_weights: bool = False,
        upper_bound: float = 1.0,
        ignore_index: int = 255,
        *,
        as_paddleseg: bool = False,
    ) -> None:
        super().__init__()
        if border < 0:
            raise ConfigError(f"border is a number of pixels, 0 or more, got {border}")
        self.border = border
        self.calculate_weights = calculate_weights
        self.upper_bound = upper_bound
        self.ignore_index = ignore_index
        self.as_paddleseg = as_paddleseg

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar; 0 when every pixel is ignored."""
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        ids = torch.arange(logits.shape[1], device=label.device).view(-1, 1, 1)
        around = dilate((label.unsqueeze(1) == ids) & valid.unsqueeze(1), self.border)  # (N, C, H, W)
        counted = around.any(dim=1)  # (N, H, W)

        right = around | ~counted.unsqueeze(1)  # any class is right where nothing counts: a loss of 0
        loss = logits.logsumexp(dim=1) - logits.masked_fill(~right, -torch.inf).logsumexp(dim=1)
        if self.calculate_weights:
            loss = loss * self._weights(around)
        if self.as_paddleseg:
            num_around = around.sum(dim=1).clamp(min=1)
            loss = loss * num_around * (1 / num_around).sum(dim=0)
        return (loss.flatten(1).sum(dim=1) / (counted.flatten(1).sum(dim=1) + 1)).sum()

    def _weights(self, around: Tensor) -> Tensor:
        """(N, C, H, W) classes around each pixel -> (N, H, W), the mean weight of them; 0 where there is none."""
        area = around.flatten(2).sum(dim=2)  # (N, C)
        share = area / area.sum(dim=1, keepdim=True).clamp(min=1)
        weight = 1 + self.upper_bound * (1 - share)
        return (around * weight[..., None, None]).sum(dim=1) / around.sum(dim=1).clamp(min=1)


def dilate(masks: Tensor, radius: int) -> Tensor:
    """True wherever the (..., H, W) mask is, within ``radius`` rows and columns."""
    for axis in (-2, -1):
        grown = masks.clone()
        size = masks.shape[axis]
        for shift in range(1, min(radius, size - 1) + 1):
            grown.narrow(axis, shift, size - shift).logical_or_(masks.narrow(axis, 0, size - shift))
            grown.narrow(axis, 0, size - shift).logical_or_(masks.narrow(axis, shift, size - shift))
        masks = grown
    return masks
