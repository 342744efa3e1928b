"""What a loss is given. Most are ``loss(logits, label)`` and need not say so.

A loss that differs states it in attributes of its class or of itself:

``takes``
    Entries of the batch that follow the model's output: ``("label",)`` unless stated; ``("edge",)`` for boundaries,
    ``()`` for none.
``compares``
    Numbers of the model's outputs that it is given instead of the one it stands for: ``(0, 1)`` for the first two.
``multilabel``
    True if the label may also be a map of 0 and 1 for each class, (N, C, H, W), where a pixel has several labels.

An output itself may be a tuple or a mapping of tensors; that is between the model and its loss.
"""

from collections.abc import Iterable

from torch import nn

from segwright.errors import ConfigError


def entries(loss: nn.Module) -> tuple[str, ...]:
    """Names of the entries of the batch that a loss takes after the model's output."""
    return getattr(loss, "takes", ("label",))


def outputs(loss: nn.Module, own: int) -> tuple[int, ...]:
    """Numbers of the model's outputs that a loss takes first; ``own`` is the one it stands for."""
    return getattr(loss, "compares", (own,))


def check_multilabel(losses: Iterable[nn.Module]) -> None:
    """Fail if one of the losses takes a label, but only with a single class for each pixel.

    Raises:
        ConfigError: names the loss, and what to take instead.
    """
    for loss in losses:
        terms = list(getattr(loss, "losses", ()))
        if terms:
            check_multilabel(terms)
        elif "label" in entries(loss) and not getattr(loss, "multilabel", False):
            raise ConfigError(
                f"losses: {type(loss).__name__} compares one class a pixel, but with --use_multilabel (multilabel: "
                "True) a pixel may have several; take BCELoss or LovaszHingeLoss, or both in a MixedLoss"
            )
