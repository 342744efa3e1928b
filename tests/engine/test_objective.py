"""One loss for each output: which outputs and which maps each is given, and what does not fit together."""

import pytest
import torch
from torch import Tensor, nn

from segwright.datasets import Dataset
from segwright.engine.objective import Objective
from segwright.errors import ConfigError
from segwright.losses import BCELoss, CrossEntropyLoss, EdgeAttentionLoss, KLLoss, MixedLoss


class Recorder(nn.Module):
    """Remembers what it was given."""

    def forward(self, *given: Tensor) -> Tensor:
        self.given = given
        return torch.tensor(1.0)


class TakesAll(Recorder):
    takes = ("edge", "label")


class TakesNothing(Recorder):
    takes = ()


class Compares(Recorder):
    compares = (2, 0)


BATCH = {"image": torch.zeros(1, 3, 2, 2), "label": torch.zeros(1, 2, 2), "edge": torch.ones(1, 1, 2, 2)}


def test_each_loss_is_given_its_output_and_the_label_unless_it_says_otherwise():
    losses = Recorder(), TakesAll(), TakesNothing(), Compares()
    results = ["main", ("a", "pair"), {"a": "mapping"}, "last"]
    parts = Objective(losses, [1, 2, 3, 0.5])(results, BATCH)
    assert [part.item() for part in parts] == [1, 2, 3, 0.5]
    assert losses[0].given == ("main", BATCH["label"])
    assert losses[1].given == (("a", "pair"), BATCH["edge"], BATCH["label"])
    assert losses[2].given == ({"a": "mapping"},)
    assert losses[3].given == ({"a": "mapping"}, "main", BATCH["label"])


def test_the_losses_of_a_network_with_an_edge_branch():
    """As in Gated-SCNN: the class logits, the edge logits against the edge map, and both together."""
    logits, edge_logits = torch.randn(2, 3, 4, 4), torch.randn(2, 1, 4, 4)
    label, edge = torch.randint(0, 3, (2, 4, 4)), torch.randint(0, 2, (2, 1, 4, 4), dtype=torch.uint8)
    losses = [CrossEntropyLoss(), BCELoss(edge_label=True), EdgeAttentionLoss()]
    parts = Objective(losses, [1, 20, 1])([logits, edge_logits, (logits, edge_logits)], {"label": label, "edge": edge})
    expected = losses[0](logits, label), 20 * losses[1](edge_logits, edge), losses[2]((logits, edge_logits), label)
    assert [part.item() for part in parts] == [part.item() for part in expected]


def test_a_mixture_takes_what_its_terms_take():
    mixed = MixedLoss([CrossEntropyLoss(), MixedLoss([TakesAll(), BCELoss(edge_label=True)], [1, 1])], [1, 1])
    assert mixed.takes == ("label", "edge")
    logits, label, edge = torch.randn(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64), torch.ones(1, 2, 2, 2)
    expected = CrossEntropyLoss()(logits, label) + 1 + BCELoss()(logits, edge)
    assert Objective([mixed], [1])([logits], {"label": label, "edge": edge})[0].item() == pytest.approx(expected.item())
    with pytest.raises(ConfigError, match="KLLoss compares several outputs of the model, but a MixedLoss is given one"):
        MixedLoss([KLLoss()], [1])


def test_a_loss_that_compares_more_outputs_than_there_are_is_refused():
    with pytest.raises(ConfigError, match=r"KLLoss compares outputs 0 and 1 of the model, .* losses for 1 only"):
        Objective([KLLoss()], [1])


def test_a_map_that_no_batch_holds_is_missed_before_training(toy_data):
    objective = Objective([BCELoss(edge_label=True)], [1])
    model = nn.Conv2d(3, 1, 1)
    arguments = {"dataset_root": toy_data, "num_classes": 2, "train_path": "train.txt", "transforms": []}
    objective.check(model, Dataset(**arguments, edge=True))
    with pytest.raises(ConfigError, match=r"BCELoss takes edge, .*; build the data set with edge=True"):
        objective.check(model, Dataset(**arguments))
    with pytest.raises(ConfigError, match="BCELoss takes edge"):
        objective([torch.zeros(1, 1, 2, 2)], {"label": BATCH["label"]})
