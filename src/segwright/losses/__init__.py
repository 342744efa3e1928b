"""Losses: ``loss(logits, label) -> scalar``. One per file; importing the package registers them all."""

from segwright.losses.cross_entropy import CrossEntropyLoss
from segwright.losses.dice import DiceLoss

__all__ = ["CrossEntropyLoss", "DiceLoss"]
