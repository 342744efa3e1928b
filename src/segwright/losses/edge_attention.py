"""Cross entropy where the model sees an edge."""

from torch import Tensor, nn

from segwright.errors import DataError
from segwright.losses.cross_entropy import CrossEntropyLoss
from segwright.registry import LOSSES


@LOSSES.register
class EdgeAttentionLoss(nn.Module):
    """Mean cross entropy over the pixels whose edge logit is large (Takikawa et al., 2019).

    https://arxiv.org/abs/1907.05740. The edge logits only choose; they get no gradient.

    Args:
        edge_threshold: a pixel counts if its edge logit, not the probability, is above this.
        ignore_index: label id that contributes nothing.
    """

    def __init__(self, edge_threshold: float = 0.8, ignore_index: int = 255) -> None:
        super().__init__()
        self.edge_threshold = edge_threshold
        self.ignore_index = ignore_index
        self.cross_entropy = CrossEntropyLoss(ignore_index=ignore_index)

    def forward(self, output: tuple[Tensor, Tensor], label: Tensor) -> Tensor:
        """Float logits (N, C, H, W) of classes and (N, 1, H, W) of edges, and (N, H, W) label -> scalar.

        The loss is 0 when no pixel counts.
        """
        logits, edge_logits = output
        label = ignore_off_edges(label, edge_logits, self.edge_threshold, self.ignore_index)
        return self.cross_entropy(logits, label)


def ignore_off_edges(label: Tensor, edge_logits: Tensor, threshold: float, ignore_index: int) -> Tensor:
    """The (N, H, W) label with ``ignore_index`` where the (N, 1, H, W) edge logits are not above ``threshold``.

    Raises:
        DataError: label and edge logits differ in size.
    """
    label = label.long().view(len(label), 1, *label.shape[-2:])
    if edge_logits.shape != label.shape:
        raise DataError(
            f"want edge logits of one channel and the label's size, {tuple(label.shape)}, "
            f"got {tuple(edge_logits.shape)}"
        )
    return label.masked_fill(~(edge_logits > threshold), ignore_index)
