"""How good predicted label maps are."""

from segwright.metrics.areas import AbsentRule
from segwright.metrics.boundary import BoundaryCounts
from segwright.metrics.confidence import bootstrap
from segwright.metrics.confusion import ConfusionMatrix, scores
from segwright.metrics.multilabel import MultiLabelCounts
from segwright.metrics.per_image import PerImage
from segwright.metrics.roc import RocCounts, auc_roc

__all__ = [
    "AbsentRule",
    "BoundaryCounts",
    "ConfusionMatrix",
    "MultiLabelCounts",
    "PerImage",
    "RocCounts",
    "auc_roc",
    "bootstrap",
    "scores",
]
