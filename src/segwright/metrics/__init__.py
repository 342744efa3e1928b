"""How good predicted label maps are."""

from segwright.metrics.confusion import ConfusionMatrix, scores

__all__ = ["ConfusionMatrix", "scores"]
