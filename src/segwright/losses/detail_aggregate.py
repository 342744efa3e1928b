"""Fine detail: where the label changes, at three scales."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES

STRIDES = (1, 2, 4)
SHARES = (0.6, 0.3, 0.1)  # of the edges at each stride in the fused map
THRESHOLD = 0.1  # a pixel is detail when its fused value is above
SMOOTH = 1.0  # lets a picture without detail cost nothing in the overlap


@LOSSES.register
class DetailAggregateLoss(nn.Module):
    """Binary cross entropy plus dice between a map of detail and the label's edges (STDC: Fan et al., 2021).

    The detail guidance of https://arxiv.org/abs/2104.13188. A Laplacian finds the edges of the label, on the side of
    the larger id, at strides 1, 2 and 4; the maps are enlarged, fused with the weights of ``fuse_kernel``, and cut at
    0.1. The picture is surrounded by class 0.

    The paper calls the fusion trainable, yet no gradient passes the cut: in its authors' code the weights stay 6/10,
    3/10 and 1/10 for ever, as here, so that an edge at stride 4 alone is no detail. PaddleSeg draws them at random.

    Args:
        ignore_index: label id that contributes nothing and has no edges, neither its own nor its neighbours'. PaddleSeg
            and the authors take it for one more class.
    """

    fuse_kernel: Tensor  # (1, 3, 1, 1)

    def __init__(self, ignore_index: int = 255) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.register_buffer("fuse_kernel", torch.tensor(SHARES).view(1, -1, 1, 1), persistent=False)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, 1, h, w) logits, brought to the label's size, and (N, H, W) label -> scalar; 0 when all is ignored.

        Raises:
            DataError: the logits have several channels.
        """
        if logits.shape[1] != 1:
            raise DataError(f"DetailAggregateLoss wants logits of one channel, got {logits.shape[1]}")
        logits = full_precision(logits)
        if logits.shape[-2:] != label.shape[-2:]:
            logits = F.interpolate(logits, label.shape[-2:], mode="bilinear", align_corners=True)
        label, valid = prepare_label(logits, label, self.ignore_index)
        valid = valid.unsqueeze(1)
        truth = self.detail(label.unsqueeze(1), valid)

        entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * valid
        probs = logits.sigmoid() * valid
        overlap, area = (maps.flatten(1).sum(dim=1) for maps in (probs * truth, probs + truth))
        dice = 1 - (2 * overlap + SMOOTH) / (area + SMOOTH)
        return entropy.sum() / valid.sum().clamp(min=1) + dice.mean()

    def detail(self, label: Tensor, valid: Tensor) -> Tensor:
        """(N, 1, H, W) ids, ignored ones being 0, and where they count -> 1.0 at detail, 0.0 elsewhere."""
        ids, void = label.to(self.fuse_kernel.dtype), (~valid).to(self.fuse_kernel.dtype)
        maps = [F.interpolate(edges(ids, void, stride), label.shape[-2:]) for stride in STRIDES]
        fused = (torch.cat(maps, dim=1) * self.fuse_kernel).sum(dim=1, keepdim=True)
        return (fused > THRESHOLD).to(ids.dtype)


def edges(ids: Tensor, void: Tensor, stride: int) -> Tensor:
    """1.0 where an id is larger than the mean of its eight neighbours, of which void ones count as equal."""
    centre = ids[..., ::stride, ::stride]
    return (9 * centre - box_sum(ids, stride) - centre * box_sum(void, stride) > 0).to(ids.dtype)


def box_sum(maps: Tensor, stride: int) -> Tensor:
    """Sums of 3x3 pixels; whole numbers stay exact."""
    return F.avg_pool2d(maps, 3, stride, padding=1, divisor_override=1)
