"""Losses: ``loss(logits, label) -> scalar``. One per file; importing the package registers them all."""

from segwright.losses.cross_entropy import CrossEntropyLoss
from segwright.losses.dice import DiceLoss
from segwright.losses.mixed import MixedLoss
from segwright.losses.ohem_cross_entropy import OhemCrossEntropyLoss
from segwright.losses.rmi import RMILoss

__all__ = ["CrossEntropyLoss", "DiceLoss", "MixedLoss", "OhemCrossEntropyLoss", "RMILoss"]
