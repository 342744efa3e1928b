"""Losses against PaddleSeg's values and gradients, and against properties that must always hold."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.build import build_loss
from segwright.errors import ConfigError, DataError
from segwright.losses import CrossEntropyLoss, DiceLoss
from segwright.registry import LOSSES

CROSS_ENTROPY_TWO_PIXELS = (0.1269280110 + 2.1269280110) / 2  # of logits (2, 0) with labels 0 and 1, by hand
LOOSER = {"rmi": 1e-4}  # sums of logarithms of nearly singular matrices


def test_cross_entropy_of_two_pixels_by_hand():
    logits = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 3)
    label = torch.tensor([[[0, 1, 255]]])
    assert CrossEntropyLoss()(logits, label).item() == pytest.approx(CROSS_ENTROPY_TWO_PIXELS, rel=1e-6)


def test_cross_entropy_over_all_pixels_counts_the_ignored_ones():
    logits = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 4)
    label = torch.tensor([[[0, 1, 255, 255]]])
    loss = CrossEntropyLoss(avg_non_ignore=False)(logits, label)
    assert loss.item() == pytest.approx(CROSS_ENTROPY_TWO_PIXELS / 2, rel=1e-6)


def test_dice_is_zero_for_a_certain_right_answer_and_near_one_for_a_wrong_one():
    label = torch.tensor([[[0, 1], [1, 0]]])
    right = 100.0 * torch.nn.functional.one_hot(label, 2).permute(0, 3, 1, 2).float()
    assert DiceLoss(smooth=0.0)(right, label).item() == pytest.approx(0, abs=1e-6)
    assert DiceLoss(smooth=0.0)(-right, label).item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), CrossEntropyLoss(top_k_percent_pixels=0.3), DiceLoss()])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_r14_any_label_gives_a_finite_loss_and_gradient_and_stays_as_it_was(loss, data):
    ids = data.draw(st.sampled_from([[255], [0], [2], [0, 1, 2], [1, 255], [0, 1, 2, 255]]))
    size = data.draw(st.sampled_from([(1, 1, 1), (2, 3, 5), (3, 8, 8)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    label = torch.from_numpy(rng.choice(ids, size))
    before = label.clone()
    logits = torch.from_numpy(rng.normal(0, 30, (size[0], 3, *size[1:]))).float().requires_grad_()
    value = loss(logits, label)
    value.backward()
    assert torch.isfinite(value)
    assert value.item() >= 0
    assert torch.isfinite(logits.grad).all()
    assert torch.equal(label, before)
    if ids == [255] and isinstance(loss, CrossEntropyLoss):
        assert value.item() == 0


@pytest.mark.parametrize("loss", [CrossEntropyLoss(weight=[1, 2, 3]), DiceLoss(weight=[1, 2, 3])])
def test_the_order_of_a_batch_does_not_matter(loss):
    logits, label = torch.randn(4, 3, 6, 7), torch.randint(0, 3, (4, 6, 7))
    turned = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(loss(logits, label), loss(logits[turned], label[turned]))


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), DiceLoss()])
def test_half_precision_logits_are_computed_in_full(loss):
    logits, label = torch.randn(2, 3, 8, 8), torch.randint(0, 3, (2, 8, 8))
    assert loss(logits.bfloat16(), label).item() == pytest.approx(
        loss(logits.bfloat16().float(), label).item(), rel=1e-6
    )


def test_label_of_another_size_and_weights_of_another_count_are_errors():
    logits, label = torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(DataError, match=r"want a label of shape \(1, 4, 4\), got \(1, 4, 5\)"):
        CrossEntropyLoss()(logits, torch.zeros(1, 4, 5, dtype=torch.int64))
    with pytest.raises(DataError, match="2 class weights, but the model predicts 3"):
        DiceLoss(weight=[1.0, 2.0])(logits, label)
    with pytest.raises(ConfigError, match="top_k_percent_pixels"):
        CrossEntropyLoss(top_k_percent_pixels=0)


def is_known(block: dict[str, Any]) -> bool:
    return block["type"] in LOSSES and all(map(is_known, block.get("losses", [])))


def test_losses_and_gradients_equal_the_reference(shared):
    checked = 0
    for path in sorted((shared / "reference/losses").glob("*.json")):
        case = json.loads(path.read_text())
        if not is_known(case["config"]) or path.stem == "mixed_dice_then_ce":
            continue  # the reference's dice writes into the label that the cross entropy reads after it
        data = np.load(path.with_suffix(".npz"))
        inputs = {key.removeprefix("in_"): torch.from_numpy(data[key]) for key in data.files if key.startswith("in_")}
        logits = inputs.pop("logits").requires_grad_()
        value = build_loss(case["config"])(logits, *inputs.values())
        value.backward()
        assert value.item() == pytest.approx(case["total"], rel=LOOSER.get(path.stem[:3], 1e-5)), path.name
        if "logits" not in case["no_gradient_for"]:
            gradient = data["grad_logits"]
            atol = 1e-5 * max(np.abs(gradient).max(), 1e-12)
            np.testing.assert_allclose(logits.grad.numpy(), gradient, rtol=0, atol=atol, err_msg=path.name)
        checked += 1
    assert checked >= 34
