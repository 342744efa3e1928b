"""Whether objects are found in one piece."""

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segwright.errors import ConfigError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES


@LOSSES.register
class SemanticConnectivityLoss(nn.Module):
    """``1 - connectivity`` of each class in the label, averaged over classes and pictures (Chu et al., 2021).

    PP-HumanSeg, https://arxiv.org/abs/2112.07146. Pieces are connected components, of the label and of where a class is
    predicted. The connectivity is the mean over the label's pieces of their mean IoU with those they meet, where a
    predicted piece that meets none counts as one more, of 0. A class that is predicted nowhere costs 1 plus the share
    of the picture that is missed.

    The pixels of a predicted piece count with their probability, which is where the gradient comes from.

    Args:
        ignore_index: label id that is in no piece, nor is what is predicted there.
        max_pred_num_conn: where the predicted pieces, the background being one, are more than twice the label's, only
            this number takes part, those nearest to the top.
        use_argmax: without it PaddleSeg takes class ids, which have no gradient; here only ``True`` is accepted.
        as_paddleseg: count pixels with their class id, and ignored ones too: class 0 never matches, classes from 2 on
            can have an IoU above 1, and there is no gradient, so that nothing is learned.

    Raises:
        ConfigError: a value outside its bounds.
    """

    def __init__(
        self,
        ignore_index: int = 255,
        max_pred_num_conn: int = 10,
        use_argmax: bool = True,
        *,
        as_paddleseg: bool = False,
    ) -> None:
        super().__init__()
        if max_pred_num_conn < 2:
            raise ConfigError(
                f"max_pred_num_conn is 2 or more, the background and at least one piece, got {max_pred_num_conn}"
            )
        if not use_argmax:
            raise ConfigError("SemanticConnectivityLoss wants logits; remove use_argmax: False")
        self.ignore_index = ignore_index
        self.max_pred_num_conn = max_pred_num_conn
        self.as_paddleseg = as_paddleseg

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """(N, C, H, W) float logits and (N, H, W) label -> scalar; 0 when every pixel is ignored."""
        logits = full_precision(logits)
        label, valid = prepare_label(logits, label, self.ignore_index)
        weights, pred = logits.softmax(dim=1), logits.argmax(dim=1)
        if self.as_paddleseg:
            ids = torch.arange(logits.shape[1], device=pred.device).view(-1, 1, 1)
            weights = torch.where(pred.unsqueeze(1) == ids, ids, 0).to(logits.dtype)
        else:
            pred = pred.masked_fill(~valid, -1)
        maps = torch.stack([pred, label.masked_fill(~valid, -1)]).short().cpu().numpy()  # (2, N, H, W)

        losses = []
        for image, pred_ids, true_ids in zip(weights, *maps, strict=True):
            of_class = image.unbind()
            terms = [
                1 - connectivity(of_class[index], pred_ids == index, true_ids == index, self.max_pred_num_conn)
                for index in np.unique(true_ids)
                if index >= 0
            ]
            losses.append(torch.stack(terms).mean() if terms else image.sum() * 0)
        return torch.stack(losses).mean()


def connectivity(weight: Tensor, pred: NDArray[np.bool_], truth: NDArray[np.bool_], max_pred_num_conn: int) -> Tensor:
    """How well the pieces of one class match.

    Args:
        weight: (H, W) float; how much each pixel of the prediction counts.
        pred: (H, W) where the class is predicted.
        truth: (H, W) where it is; somewhere at least.
        max_pred_num_conn: see ``SemanticConnectivityLoss``.

    Returns:
        Scalar from -1 to 1 for weights from 0 to 1, below 0 where the class is predicted nowhere.
    """
    num_truth, truth_piece = cv2.connectedComponents(truth.view(np.uint8))  # piece 0 is the background
    num_pred, pred_piece = cv2.connectedComponents(pred.view(np.uint8))
    if num_pred == 1:
        return -(1 - weight)[torch.from_numpy(truth).to(weight.device)].sum() / truth.size
    if num_pred > max(2 * num_truth, max_pred_num_conn):
        num_pred = max_pred_num_conn
        pred_piece[pred_piece >= num_pred] = 0

    inside = np.flatnonzero(pred_piece)
    meeting = (pred_piece.ravel()[inside] - 1) * num_truth + truth_piece.ravel()[inside]  # a number for each pair
    shape = num_pred - 1, num_truth
    overlaps = np.bincount(meeting, minlength=math.prod(shape)).reshape(shape)[:, 1:] > 0
    num_lone = int((~overlaps.any(axis=1)).sum())
    constants = overlaps, overlaps.sum(axis=0), np.bincount(truth_piece.ravel())[1:], inside, meeting
    overlap, num_met, truth_area, place, pair = (torch.from_numpy(array).to(weight.device) for array in constants)

    area = weight.new_zeros(math.prod(shape)).index_add(0, pair, weight.flatten()[place]).view(shape)
    common = area[:, 1:]
    iou = common / (area.sum(dim=1, keepdim=True) + truth_area - common)
    return (torch.where(overlap, iou, 0).sum(dim=0) / num_met.clamp(min=1)).sum() / (num_truth - 1 + num_lone)
