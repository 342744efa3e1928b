"""Cross entropy over hard pixels where the model sees an edge."""

from torch import Tensor

from segwright.losses.edge_attention import ignore_off_edges
from segwright.losses.ohem_cross_entropy import OhemCrossEntropyLoss
from segwright.registry import LOSSES


@LOSSES.register
class OhemEdgeAttentionLoss(OhemCrossEntropyLoss):
    """``OhemCrossEntropyLoss`` over the pixels whose edge logit is large, see ``EdgeAttentionLoss``.

    Args:
        edge_threshold: a pixel counts if its edge logit, not the probability, is above this.
        thresh: probability of the true class below which a pixel is hard.
        min_kept: pixels to keep, about, when fewer are hard; counted over the whole batch. 0 keeps every pixel that
            counts.
        ignore_index: label id that contributes nothing.

    Raises:
        ConfigError: ``thresh`` is not a probability, or ``min_kept`` is negative.
    """

    eps = 1e-10

    def __init__(
        self, edge_threshold: float = 0.8, thresh: float = 0.7, min_kept: int = 5000, ignore_index: int = 255
    ) -> None:
        super().__init__(thresh, min_kept, ignore_index)
        self.edge_threshold = edge_threshold

    def forward(self, output: tuple[Tensor, Tensor], label: Tensor) -> Tensor:  # type: ignore[override]
        """Float logits (N, C, H, W) of classes and (N, 1, H, W) of edges, and (N, H, W) label -> scalar.

        The loss is 0 when no pixel counts.
        """
        logits, edge_logits = output
        return super().forward(logits, ignore_off_edges(label, edge_logits, self.edge_threshold, self.ignore_index))
