"""Losses against PaddleSeg's values and gradients."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SHARED
from torch import Tensor, nn

from segwright.build import build_loss
from segwright.registry import LOSSES

FOLDER = SHARED / "reference" / "losses"
CASES = [path.stem for path in sorted(FOLDER.glob("*.json"))]

LEFT_OUT = {
    "mixed_dice_then_ce": "PaddleSeg's dice writes into the label that the cross entropy reads after it",
    "maskformer": "there is no MaskFormer yet",
    "maskformer_aux": "there is no MaskFormer yet",
    "maskformer_one_image_empty": "there is no MaskFormer yet",
}

OPTIONS: dict[str, dict[str, Any]] = {
    "detail_aggregate": {"ignore_index": -1},  # PaddleSeg takes the id to ignore for a class
    "detail_aggregate_lowres": {"ignore_index": -1},
    "lovasz_hinge_2ch": {"as_paddleseg": True},  # two channels to one score
    "relax_boundary_batch": {"as_paddleseg": True},  # images share the numbers of classes around their pixels
    "semantic_connectivity": {"as_paddleseg": True},  # pixels count with their class id
    "semantic_connectivity_cap": {"as_paddleseg": True},
    "semantic_connectivity_missing": {"as_paddleseg": True},
    "semantic_connectivity_multi": {"as_paddleseg": True},
}

LOOSER = {"RMILoss": 1e-4, "DualTaskLoss": 1e-4, "LovaszSoftmaxLoss": 1e-4, "LovaszHingeLoss": 1e-4}
"""Relative differences of values that these compute in another way; 1e-5 for the others."""

Inputs = dict[str, Tensor]


def set_fuse_kernel(loss: nn.Module, x: Inputs) -> Tensor:
    loss.fuse_kernel.copy_(x["fuse_kernel"])
    return loss(x["logits"], x["labels"])


def draw_in_order_of_place(loss: nn.Module, x: Inputs) -> Tensor:
    order = torch.arange(x["labels"][0].numel()).expand(len(x["labels"]), -1)
    return loss({"seg": x["seg"], "embed": x["embed"]}, x["labels"], order)


CALLS: dict[str, Callable[[nn.Module, Inputs], Tensor]] = {
    "loss(logits, labels)": lambda loss, x: loss(x["logits"], x["labels"]),
    "loss(logits, labels, semantic_weights)": lambda loss, x: loss(x["logits"], x["labels"], x["semantic_weights"]),
    "loss(logits, labels) with the U[0,1) sample used for the Gumbel noise fixed to in_gumbel_uniform": (
        lambda loss, x: loss(x["logits"], x["labels"], x["gumbel_uniform"])
    ),
    "loss(logit_1, logit_2)  (no label)": lambda loss, x: loss(x["logit_1"], x["logit_2"]),
    "loss(logit_1, logit_2, labels)": lambda loss, x: loss(x["logit_1"], x["logit_2"], x["labels"]),
    "loss(student_logits, teacher_logits, labels)": lambda loss, x: loss(x["student"], x["teacher"], x["labels"]),
    "loss(([s0,s1,s2],[t0,t1,t2]), None)": (
        lambda loss, x: loss(([x["s0"], x["s1"], x["s2"]], [x["t0"], x["t1"], x["t2"]]))
    ),
    "loss((logit[N,C,P], points[N,P,2] as (x,y) in [0,1]), labels)": (
        lambda loss, x: loss((x["logit"], x["points"]), x["labels"])
    ),
    "loss({seg, embed}, labels) with every random permutation replaced by the identity": draw_in_order_of_place,
    "loss(logits, labels) after setting its parameter fuse_kernel to in_fuse_kernel": set_fuse_kernel,
    "loss((seg_logit, edge_logit), labels)": lambda loss, x: loss((x["seg_logit"], x["edge_logit"]), x["labels"]),
}
"""How the words of a recording call a loss."""


def largest_tolerance(block: dict[str, Any]) -> float:
    return max([LOOSER.get(block["type"], 1e-5), *map(largest_tolerance, block.get("losses", []))])


@pytest.mark.parametrize("name", [name for name in CASES if name not in LEFT_OUT])
def test_value_and_gradients_equal_paddleseg(name):
    case = json.loads((FOLDER / f"{name}.json").read_text())
    data = np.load(FOLDER / f"{name}.npz")
    inputs = {key.removeprefix("in_"): torch.from_numpy(data[key]) for key in data.files if key.startswith("in_")}
    with_gradient = [key.removeprefix("grad_") for key in data.files if key.startswith("grad_")]
    for key in with_gradient:
        inputs[key].requires_grad_()

    loss = build_loss({**case["config"], **OPTIONS.get(name, {})})
    value = CALLS[case["call"]](loss, inputs).sum()

    assert value.item() == pytest.approx(case["total"], rel=largest_tolerance(case["config"]), abs=1e-12)
    if with_gradient:
        value.backward()
    for key in with_gradient:
        expected = data[f"grad_{key}"]
        actual = inputs[key].grad if inputs[key].grad is not None else torch.zeros_like(inputs[key])
        atol = 1e-5 * max(np.abs(expected).max(), 1e-12)
        np.testing.assert_allclose(actual.numpy(), expected, rtol=0, atol=atol, err_msg=key)


@pytest.mark.usefixtures("shared")
def test_no_case_is_left_out_without_a_reason():
    assert len(CASES) > 100
    assert set(LEFT_OUT) | set(OPTIONS) <= set(CASES)


@pytest.mark.usefixtures("shared")
def test_every_loss_has_a_case():
    with_case = {json.loads((FOLDER / f"{name}.json").read_text())["config"]["type"] for name in CASES}
    assert set(LOSSES) <= with_case
