"""What a loss is given. Most are ``loss(logits, label)`` and need not say so.

A loss that differs states it in one of two attributes, of its class or of itself:

``takes``
    Entries of the batch that follow the model's output: ``("label",)`` unless stated; ``("edge",)`` for boundaries,
    ``()`` for none.
``compares``
    Numbers of the model's outputs that it is given instead of the one it stands for: ``(0, 1)`` for the first two.

An output itself may be a tuple or a mapping of tensors; that is between the model and its loss.
"""

from torch import nn


def entries(loss: nn.Module) -> tuple[str, ...]:
    """Names of the entries of the batch that a loss takes after the model's output."""
    return getattr(loss, "takes", ("label",))


def outputs(loss: nn.Module, own: int) -> tuple[int, ...]:
    """Numbers of the model's outputs that a loss takes first; ``own`` is the one it stands for."""
    return getattr(loss, "compares", (own,))
