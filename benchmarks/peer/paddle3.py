"""PaddleSeg 2.8.0 as it is, but for the two places where its training stops under PaddlePaddle 3.

It was written for PaddlePaddle 2. Under 3 its cross entropy multiplies a float mask by an int64 map, which is an error
now, and its training loop indexes losses that have become scalars without dimensions. Both mend where the cross
entropy ends; what is computed stays the same.
"""

import paddle
import paddleseg
from paddle import Tensor
from paddleseg.models.losses import CrossEntropyLoss

_post_process = CrossEntropyLoss._post_process_loss


def _post_process_3(
    self: CrossEntropyLoss, logit: Tensor, label: Tensor, semantic_weights: Tensor | None, loss: Tensor
) -> Tensor:
    return _post_process(self, logit, label.astype("float32"), semantic_weights, loss).reshape([1])


def prepare() -> str:
    """Mend the loss and choose the CPU; returns the versions at work."""
    CrossEntropyLoss._post_process_loss = _post_process_3
    paddle.set_device("cpu")
    paddle.seed(0)
    return f"PaddleSeg {paddleseg.__version__} on PaddlePaddle {paddle.__version__}"
