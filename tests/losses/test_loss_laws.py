"""Laws that hold for every registered loss; one that is added is tested here without further ado."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from segwright.losses import CrossEntropyLoss, DiceLoss
from segwright.losses.inputs import entries, outputs
from segwright.registry import LOSSES

IGNORED = 255
PATTERNS = ([IGNORED], [0], [1], [0, 1], [0, 2], [1, IGNORED], [0, 1, 2, IGNORED])
SIZES = ((1, 1, 1), (1, 7, 1), (2, 3, 5), (3, 8, 8))


@dataclass(frozen=True)
class Setup:
    """How a loss is built, and what it is given instead of (N, 3, H, W) logits and ids below 3."""

    arguments: dict[str, Any] = field(default_factory=dict)
    channels: int = 3
    num_ids: int = 3
    output: Callable[[Tensor], Any] = lambda logits: logits


def with_edges(logits: Tensor) -> tuple[Tensor, Tensor]:
    return logits, logits[:, :1].flip(-1)


def at_points(logits: Tensor) -> tuple[Tensor, Tensor]:
    return logits.flatten(2), logits[:, :2].flatten(2).transpose(1, 2).sigmoid()


SETUPS = {
    "BCELoss dynamic": Setup({"weight": "dynamic", "pos_weight": "dynamic"}),
    "BCELoss edge": Setup({"edge_label": True}, channels=1),
    "BootstrappedCrossEntropyLoss": Setup({"min_K": 5, "loss_th": 0.5}),
    "CrossEntropyLoss hardest": Setup({"top_k_percent_pixels": 0.3}),
    "CrossEntropyLoss weighted": Setup({"weight": [1.0, 2.0, 3.0]}),
    "DetailAggregateLoss": Setup(channels=1),
    "DistillationLoss": Setup(output=lambda logits: ([logits], [logits.flip(-1)])),
    "DiceLoss weighted": Setup({"weight": [1.0, 2.0, 3.0]}),
    "EdgeAttentionLoss": Setup(output=with_edges),
    "FocalLoss": Setup(channels=2, num_ids=2),
    "FocalLoss root": Setup({"gamma": 0.5}, channels=2, num_ids=2),
    "L1Loss": Setup(channels=1),
    "LovaszHingeLoss": Setup(channels=2, num_ids=2),
    "LovaszHingeLoss as_paddleseg": Setup({"as_paddleseg": True}, channels=2, num_ids=2),
    "LovaszHingeLoss one channel": Setup(channels=1, num_ids=2),
    "LovaszSoftmaxLoss all": Setup({"classes": "all"}),
    "MSELoss": Setup({"ignore_index": IGNORED}, channels=1),
    "MixedLoss": Setup({"losses": [CrossEntropyLoss(), DiceLoss()], "coef": [1.0, 0.5]}),
    "MultiClassFocalLoss root": Setup({"gamma": 0.5}),
    "OhemEdgeAttentionLoss": Setup({"min_kept": 5}, output=with_edges),
    "OhemCrossEntropyLoss": Setup({"min_kept": 5}),
    "PixelContrastCrossEntropyLoss": Setup(
        {"max_samples": 60, "max_views": 3}, output=lambda logits: {"seg": logits, "embed": logits.flip(-1)}
    ),
    "PointCrossEntropyLoss": Setup(output=at_points),
    "RMILoss": Setup({"rmi_radius": 1, "rmi_pool_size": 1, "rmi_pool_stride": 1}),  # fits a single pixel
    "RelaxBoundaryLoss as_paddleseg": Setup({"as_paddleseg": True}),
    "RelaxBoundaryLoss weighted": Setup({"border": 2, "calculate_weights": True}),
    "SECrossEntropyLoss": Setup(output=lambda logits: logits.mean(dim=(2, 3))),
}
"""By name of the loss and, after a space, of a variant. A loss that is not here is taken with its defaults."""

NAMES = sorted({*LOSSES, *SETUPS})

RANDOM = {"DualTaskLoss", "PixelContrastCrossEntropyLoss"}
"""They draw numbers, which do not follow an image to another place in the batch."""

WITHOUT_LABEL = {"DistillationLoss"}

NOT_ZERO = {*WITHOUT_LABEL, "RMILoss"}
"""Without a pixel that counts these are not 0: RMI is a bound that may be negative."""


class Trial:
    """A loss with inputs to it."""

    def __init__(self, name: str, ids: list[int], size: tuple[int, int, int], *, scale: float = 1.0, seed: int = 0):
        setup = SETUPS.get(name, Setup())
        rng = np.random.default_rng(seed)
        self.loss = LOSSES[name.split()[0]](**setup.arguments)
        self.label = torch.from_numpy(rng.choice([i if i == IGNORED else min(i, setup.num_ids - 1) for i in ids], size))
        edge = rng.integers(0, 2, size, dtype=np.uint8)
        self.edge = torch.from_numpy(np.where(self.label == IGNORED, np.uint8(IGNORED), edge)[:, np.newaxis])
        shape = size[0], setup.channels, *size[1:]
        self.outputs = [setup.output(torch.from_numpy(rng.normal(0, scale, shape)).float()) for _ in range(2)]
        self.teacher = torch.from_numpy(rng.normal(0, 1, shape)).float()

    def changed(self, change: Callable[[Tensor], Tensor]) -> "Trial":
        """In place: every input tensor after ``change``."""
        self.outputs, self.teacher = tree_map(change, self.outputs), change(self.teacher)
        self.label, self.edge = change(self.label), change(self.edge)
        return self

    def run(self) -> tuple[Tensor, list[Tensor]]:
        """The loss, and its gradients by all outputs that it is given."""
        compared = [
            tree_map(lambda each: each.detach().clone().requires_grad_(), self.outputs[number])
            for number in outputs(self.loss, own=0)
        ]
        torch.manual_seed(0)
        value = self.loss(*compared, *(getattr(self, name) for name in entries(self.loss)))
        value.backward()
        return value.detach(), [
            torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in tree_leaves(compared)
        ]


trials = {
    "ids": st.sampled_from(PATTERNS),
    "size": st.sampled_from(SIZES),
    "scale": st.sampled_from([0.0, 1.0, 30.0, 1000.0]),
    "seed": st.integers(0, 1000),
}
every_loss = pytest.mark.parametrize("name", NAMES)


@every_loss
@settings(max_examples=25, deadline=None)
@given(**trials)
def test_r14_any_label_gives_a_finite_loss_and_gradient_and_inputs_stay(name, ids, size, scale, seed):
    trial, before = (Trial(name, ids, size, scale=scale, seed=seed) for _ in range(2))
    value, gradients = trial.run()
    assert value.ndim == 0
    assert value.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)
    for given_later in ("label", "edge", "teacher"):  # torch itself keeps the outputs as they are
        assert torch.equal(getattr(trial, given_later), getattr(before, given_later))


@every_loss
def test_r14_without_a_pixel_that_counts_the_loss_is_zero(name):
    value, gradients = Trial(name, [IGNORED], (2, 8, 8)).run()
    if name not in NOT_ZERO:
        assert value.item() == pytest.approx(0, abs=1e-6)
    if name not in WITHOUT_LABEL:
        assert all((gradient == 0).all() for gradient in gradients)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("DistillationLoss", "RelaxBoundary"))])
def test_r14_ignored_pixels_get_no_gradient(name):
    """Those of a boundary map too. Distillation sees no label; relaxation takes the classes beside a pixel as well."""
    trial = Trial(name, [0, 1, 2, IGNORED], (2, 8, 8))
    _, gradients = trial.run()
    for gradient in gradients:
        if gradient.shape[2:] == trial.label.shape[1:]:
            assert not gradient.movedim(1, -1)[trial.label == IGNORED].any()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RANDOM])
@settings(max_examples=10, deadline=None)
@given(ids=trials["ids"], seed=trials["seed"])
def test_the_order_of_a_batch_does_not_matter(name, ids, seed):
    order = torch.tensor([2, 0, 3, 1])
    value, gradients = Trial(name, ids, (4, 6, 7), seed=seed).run()
    turned, gradients_turned = Trial(name, ids, (4, 6, 7), seed=seed).changed(lambda each: each[order]).run()
    torch.testing.assert_close(turned, value, rtol=1e-5, atol=1e-6)
    for mine, other in zip(gradients_turned, gradients, strict=True):
        torch.testing.assert_close(mine, other[order], rtol=1e-4, atol=1e-6)


@every_loss
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_computed_in_full(name, half):
    def as_half(each: Tensor) -> Tensor:
        return each.to(half) if each.is_floating_point() else each

    def as_float(each: Tensor) -> Tensor:
        return as_half(each).float() if each.is_floating_point() else each

    value, gradients = Trial(name, [0, 1, 2, IGNORED], (2, 9, 8), scale=3).changed(as_half).run()
    full, gradients_full = Trial(name, [0, 1, 2, IGNORED], (2, 9, 8), scale=3).changed(as_float).run()
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(full.item(), rel=1e-5)
    for mine, other in zip(gradients, gradients_full, strict=True):
        assert mine.dtype == half
        torch.testing.assert_close(mine.float(), other, rtol=1e-2, atol=1e-2 * other.abs().max().item())


@every_loss
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32], ids=str)
def test_labels_of_any_integer_type_are_the_same(name, dtype):
    value, _ = Trial(name, [0, 1, 2, IGNORED], (2, 8, 8)).run()
    trial = Trial(name, [0, 1, 2, IGNORED], (2, 8, 8))
    trial.label = trial.label.to(dtype)
    assert trial.run()[0].item() == value.item()


@every_loss
def test_logits_that_are_not_numbers_show(name):
    def spoiled(each: Tensor) -> Tensor:
        return torch.full_like(each, math.nan) if each.is_floating_point() else each

    value, _ = Trial(name, [0, 1], (2, 8, 8)).changed(spoiled).run()
    assert not value.isfinite()
