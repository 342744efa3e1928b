"""PaddleSeg 2.8.0 as it is, but for the four places where its training stops under PaddlePaddle 3.

It was written for PaddlePaddle 2. Under 3 its cross entropies combine a float map with an int64 one, which is an error
now, class weights are looked up by float ids, and its training loop indexes losses that have become scalars without
dimensions. The first loss is mended where it ends, the others in the lines themselves; what is computed stays the same.
"""

import inspect
import textwrap

import paddle
import paddleseg
from paddle import Tensor
from paddleseg.models.losses import CrossEntropyLoss, OhemCrossEntropyLoss


def _mend(method: object, line: str, mended: str) -> object:
    """The method with one line changed.

    Raises:
        ValueError: this version of PaddleSeg does not have the line.
    """
    source = textwrap.dedent(inspect.getsource(method))
    if source.count(line) != 1:
        raise ValueError(f"PaddleSeg {paddleseg.__version__} has no line {line!r} to mend")
    names: dict[str, object] = {}
    exec(source.replace(line, mended), inspect.getmodule(method).__dict__, names)
    return names[method.__name__]


_post_process = _mend(
    CrossEntropyLoss._post_process_loss, "F.one_hot(label * mask,", "F.one_hot((label * mask).astype('int64'),"
)


def _post_process_3(
    self: CrossEntropyLoss, logit: Tensor, label: Tensor, semantic_weights: Tensor | None, loss: Tensor
) -> Tensor:
    return _post_process(self, logit, label.astype("float32"), semantic_weights, loss).reshape([1])


def prepare() -> str:
    """Mend the losses and choose the CPU; returns the versions at work."""
    CrossEntropyLoss._post_process_loss = _post_process_3
    OhemCrossEntropyLoss.forward = _mend(
        OhemCrossEntropyLoss.forward, "prob + (1 - valid_mask)", "prob + (1 - valid_mask).astype(prob.dtype)"
    )
    paddle.set_device("cpu")
    paddle.seed(0)
    return f"PaddleSeg {paddleseg.__version__} on PaddlePaddle {paddle.__version__}"
