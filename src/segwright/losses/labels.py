"""What every loss over class ids does with its inputs first."""

import torch
from torch import Tensor

from segwright.errors import DataError


def full_precision(logits: Tensor) -> Tensor:
    """The logits in float32 where they were computed in half precision, too coarse for sums over a picture."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def prepare_label(logits: Tensor, label: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Bring a label map into a form that indexing survives.

    Args:
        logits: (N, C, H, W) float.
        label: (N, H, W) or (N, 1, H, W) class ids of any integer type.
        ignore_index: id that contributes nothing.

    Returns:
        The (N, H, W) int64 ids with ignored pixels set to 0, and the (N, H, W) boolean map of pixels that count.
        Both are new tensors or views; the caller's label is left as it was.

    Raises:
        DataError: label and logits differ in size.
    """
    if label.ndim == logits.ndim and label.shape[1] == 1:
        label = label.squeeze(1)
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(label.shape) != expected:
        raise DataError(f"logits {tuple(logits.shape)} want a label of shape {expected}, got {tuple(label.shape)}")
    valid = label != ignore_index
    return torch.where(valid, label, 0).long(), valid


def class_weights(weight: list[float] | None, num_classes: int, like: Tensor) -> Tensor | None:
    """``weight`` as a tensor on the device of ``like``; its length must be the number of classes."""
    if weight is None:
        return None
    if len(weight) != num_classes:
        raise DataError(f"the loss has {len(weight)} class weights, but the model predicts {num_classes} classes")
    return torch.tensor(weight, dtype=like.dtype, device=like.device)
