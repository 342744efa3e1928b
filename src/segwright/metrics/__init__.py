"""How good predicted label maps are."""

from segwright.metrics.areas import AbsentRule
from segwright.metrics.confusion import ConfusionMatrix, scores
from segwright.metrics.multilabel import MultiLabelCounts
from segwright.metrics.roc import RocCounts, auc_roc

__all__ = ["AbsentRule", "ConfusionMatrix", "MultiLabelCounts", "RocCounts", "auc_roc", "scores"]
