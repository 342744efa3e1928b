"""Losses: ``loss(logits, label) -> scalar``. One per file; importing the package registers them all."""

from segwright.losses.bce import BCELoss
from segwright.losses.bootstrapped_cross_entropy import BootstrappedCrossEntropyLoss
from segwright.losses.cross_entropy import CrossEntropyLoss
from segwright.losses.detail_aggregate import DetailAggregateLoss
from segwright.losses.dice import DiceLoss
from segwright.losses.distill_cross_entropy import DistillCrossEntropyLoss
from segwright.losses.distillation import DistillationLoss
from segwright.losses.dual_task import DualTaskLoss
from segwright.losses.edge_attention import EdgeAttentionLoss
from segwright.losses.focal import FocalLoss
from segwright.losses.kl import KLLoss
from segwright.losses.l1 import L1Loss
from segwright.losses.lovasz_hinge import LovaszHingeLoss
from segwright.losses.lovasz_softmax import LovaszSoftmaxLoss
from segwright.losses.mixed import MixedLoss
from segwright.losses.mse import MSELoss
from segwright.losses.multi_class_focal import MultiClassFocalLoss
from segwright.losses.ohem_cross_entropy import OhemCrossEntropyLoss
from segwright.losses.ohem_edge_attention import OhemEdgeAttentionLoss
from segwright.losses.pixel_contrast_cross_entropy import PixelContrastCrossEntropyLoss
from segwright.losses.point_cross_entropy import PointCrossEntropyLoss
from segwright.losses.relax_boundary import RelaxBoundaryLoss
from segwright.losses.rmi import RMILoss
from segwright.losses.se_cross_entropy import SECrossEntropyLoss
from segwright.losses.semantic_connectivity import SemanticConnectivityLoss

__all__ = [
    "BCELoss",
    "BootstrappedCrossEntropyLoss",
    "CrossEntropyLoss",
    "DetailAggregateLoss",
    "DiceLoss",
    "DistillCrossEntropyLoss",
    "DistillationLoss",
    "DualTaskLoss",
    "EdgeAttentionLoss",
    "FocalLoss",
    "KLLoss",
    "L1Loss",
    "LovaszHingeLoss",
    "LovaszSoftmaxLoss",
    "MSELoss",
    "MixedLoss",
    "MultiClassFocalLoss",
    "OhemCrossEntropyLoss",
    "OhemEdgeAttentionLoss",
    "PixelContrastCrossEntropyLoss",
    "PointCrossEntropyLoss",
    "RMILoss",
    "RelaxBoundaryLoss",
    "SECrossEntropyLoss",
    "SemanticConnectivityLoss",
]
