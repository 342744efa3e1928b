"""Words for class weights: where they are taken, what they become, and what is kept of them."""

import inspect

import numpy as np
import pytest
import torch
import yaml

from segwright.build import build_losses, fill_class_weights, load_config
from segwright.build.class_weights import _takes_class_weights
from segwright.build.load import complete
from segwright.cli.setup import build_data, build_model_to_train
from segwright.config import to_yaml
from segwright.datasets import count_classes
from segwright.engine.objective import Objective
from segwright.errors import ConfigError
from segwright.registry import LOSSES

pytestmark = pytest.mark.usefixtures("one_thread")

MIXED = """
loss:
  types:
    - type: MixedLoss
      losses: [{{type: OhemCrossEntropyLoss, min_kept: 100, weight: {word}}}, {{type: DiceLoss}}]
      coef: [0.8, 0.2]
    - {{type: CrossEntropyLoss, weight: {word}, label_smoothing: 0.1}}
  coef: [1, 0.4]
"""


def with_losses(toy_config, losses: str):
    """The toy config with other losses."""
    path = toy_config("ToyNet", "[1, 0.4]")
    data = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(data | yaml.safe_load(losses), sort_keys=False))
    return path


def test_every_loss_with_factors_for_the_classes_takes_a_word_and_no_other():
    taking = {name for name in LOSSES if _takes_class_weights(name)}
    weighted = {name for name, loss in LOSSES.items() if "weight" in inspect.signature(loss).parameters}
    assert weighted - taking == {"BCELoss"}
    assert {"CrossEntropyLoss", "OhemCrossEntropyLoss", "BootstrappedCrossEntropyLoss", "DiceLoss"} <= taking


@pytest.mark.parametrize("word", ["auto", "median"])
def test_words_become_numbers_in_every_loss_and_are_told_ready_to_paste(toy_config, caplog, word):
    config = load_config(with_losses(toy_config, MIXED.format(word=word)))
    dataset = build_data(config, "train_dataset")
    balance = count_classes(dataset)
    wanted = balance.logarithmic_weights() if word == "auto" else balance.median_weights()
    assert wanted[1] > wanted[0]
    with caplog.at_level("INFO", "segwright"):
        fill_class_weights(config, dataset)
    mixed, plain = config.section("loss")["types"]
    assert mixed["losses"][0]["weight"] == plain["weight"] == wanted
    assert "weight" not in mixed["losses"][1]
    assert caplog.text.count(f"write weight: {wanted}") == 1
    assert f"{word}, counted in 8 label maps" in caplog.text

    saved = yaml.safe_load(to_yaml(complete(config)))["loss"]["types"][1]
    assert saved["weight"] == wanted
    losses = build_losses(config.section("loss"))
    assert losses["types"][1].weight == wanted


def test_a_word_for_a_single_loss_is_filled_in_for_every_output_and_told_once(toy_config, caplog):
    config = load_config(toy_config("ToyNet", "[1, 0.4]"), ["loss.types.0.weight=median"])
    with caplog.at_level("INFO", "segwright"):
        fill_class_weights(config, build_data(config, "train_dataset"))
    first, second = (block["weight"] for block in config.section("loss")["types"])
    assert first == second
    assert isinstance(first[0], float)
    assert caplog.text.count("counted in") == 1


def test_nothing_is_counted_where_no_word_is(toy_config):
    config = load_config(toy_config("ToyNet", "[1, 0.4]"), ["loss.types.0.weight=[1.0,2.0]"])
    before = config.to_dict()
    fill_class_weights(config, dataset=None)
    assert config.to_dict() == before


@pytest.mark.parametrize(
    ("losses", "complaint"),
    [
        ("{type: CrossEntropyLoss, weight: medain}", r"weight: got 'medain'; want a list .* did you mean 'median'"),
        ("{type: BCELoss, weight: auto}", r"weight: got 'auto': Input should be 'dynamic'"),
        ("{type: LovaszSoftmaxLoss, weight: auto}", "LovaszSoftmaxLoss has no 'weight'"),
        ("{type: CrossEntropyLoss, ignore_index: auto}", "ignore_index: got 'auto'"),
        (
            "{type: MixedLoss, coef: [1], losses: [{type: DiceLoss, weight: balanced}]}",
            r"losses\[0\]\.weight: got 'balanced'; want a list .* known: auto, median",
        ),
    ],
)
def test_a_word_that_cannot_be_honoured_is_refused(toy_config, losses, complaint):
    path = with_losses(toy_config, f"loss: {{types: [{losses}], coef: [1, 0.4]}}")
    with pytest.raises(ConfigError, match=complaint):
        load_config(path)


def test_mixed_and_hard_pixel_losses_train_several_outputs(toy_config):
    config = load_config(with_losses(toy_config, MIXED.format(word="median")))
    dataset = build_data(config, "train_dataset")
    fill_class_weights(config, dataset)
    torch.manual_seed(0)
    model = build_model_to_train(config, resumed=False).train()
    objective = Objective.of(build_losses(config.section("loss")))
    images, labels = zip(*(dataset.item(index, seed=0) for index in range(4)), strict=True)
    batch = {"image": torch.tensor(np.stack(images)), "label": torch.tensor(np.stack(labels))}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    totals = []
    for _ in range(15):
        parts = objective(model(batch["image"]), batch)
        assert len(parts) == 2
        optimizer.zero_grad()
        torch.stack(parts).sum().backward()
        optimizer.step()
        totals.append(sum(part.item() for part in parts))
    assert totals[-1] < 0.8 * totals[0]
