"""The loss on validation pictures."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from segwright.engine.objective import Objective
from segwright.engine.processes import Processes
from segwright.engine.validation_loss import ValidationLoss
from segwright.losses import (
    BCELoss,
    CrossEntropyLoss,
    DiceLoss,
    EdgeAttentionLoss,
    MixedLoss,
    OhemCrossEntropyLoss,
    PixelContrastCrossEntropyLoss,
)

CPU = torch.device("cpu")


def pictures(sizes=((8, 6), (5, 9))):
    torch.manual_seed(0)
    for number, (height, width) in enumerate(sizes):
        label = torch.randint(0, 3, (1, height, width), dtype=torch.uint8)
        label[0, 0] = 255
        yield number, torch.randn(1, 3, height, width), label


def test_it_is_the_mean_over_pictures_of_the_first_training_loss_with_its_factor():
    loss = ValidationLoss.of(Objective([CrossEntropyLoss(), DiceLoss()], [0.5, 1.0]))
    assert loss is not None
    wanted = []
    with torch.inference_mode():
        for number, logits, label in pictures():
            loss(number, logits, label)
            wanted.append(0.5 * float(F.cross_entropy(logits, label.long(), ignore_index=255)))
    assert loss.mean(Processes(), CPU) == pytest.approx(sum(wanted) / 2)


def test_without_pictures_there_is_none():
    assert ValidationLoss(CrossEntropyLoss()).mean(Processes(), CPU) is None


class Halves(Processes):
    """Two processes, of which the other one has found as much as this one."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 2

    def total(self, values: torch.Tensor) -> torch.Tensor:
        return values * 2


def test_several_processes_give_the_mean_over_all_pictures():
    loss = ValidationLoss(CrossEntropyLoss())
    means = []
    for processes in (Halves(), Processes()):
        for picture in pictures():
            loss(*picture)
        means.append(loss.mean(processes, CPU))
    assert means[0] == pytest.approx(means[1])
    assert loss.mean(Processes(), CPU) is None  # it has started over


class Own(nn.Module):
    """A user's loss, without annotations."""

    def forward(self, logits, label):
        return F.cross_entropy(logits, label.long(), ignore_index=255)


@pytest.mark.parametrize(
    "first", [OhemCrossEntropyLoss(), MixedLoss([CrossEntropyLoss(), DiceLoss()], [0.5, 0.5]), DiceLoss(), Own()]
)
def test_losses_of_logits_and_label_have_one(first):
    loss = ValidationLoss.of(Objective([first], [1.0]))
    assert loss is not None
    for picture in pictures():
        loss(*picture)
    assert 0 < loss.mean(Processes(), CPU) < 10


@pytest.mark.parametrize("first", [EdgeAttentionLoss(), PixelContrastCrossEntropyLoss(), BCELoss(edge_label=True)])
def test_losses_of_what_only_training_has_are_told_to_have_none(first, caplog):
    caplog.set_level("INFO", logger="segwright")
    assert ValidationLoss.of(Objective([first], [1.0])) is None
    assert f"No validation loss: {type(first).__name__}" in caplog.text
