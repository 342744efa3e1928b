"""Values and gradients of losses."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from parity.comparison import Comparison, Difference, missing_types, relative
from segwright.build import build_loss
from segwright.registry import LOSSES

TOLERANCE = 1e-5  # of the value, and of the largest number of a gradient; float32 on both sides

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
"""What ours must be told to repeat a fault of PaddleSeg's."""

ON_PURPOSE = {"mixed_dice_then_ce": "PaddleSeg's dice writes into the label that the cross entropy reads after it"}

Inputs = dict[str, Tensor]


def _set_fuse_kernel(loss: nn.Module, x: Inputs) -> Tensor:
    loss.fuse_kernel.copy_(x["fuse_kernel"])
    return loss(x["logits"], x["labels"])


def _draw_in_order_of_place(loss: nn.Module, x: Inputs) -> Tensor:
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
    "loss({seg, embed}, labels) with every random permutation replaced by the identity": _draw_in_order_of_place,
    "loss(logits, labels) after setting its parameter fuse_kernel to in_fuse_kernel": _set_fuse_kernel,
    "loss((seg_logit, edge_logit), labels)": lambda loss, x: loss((x["seg_logit"], x["edge_logit"]), x["labels"]),
}
"""How the words of a recording call a loss."""


def cases(folder: Path) -> list[Comparison]:
    """Every recording in a folder: the value, and the gradient of each input that has one."""
    comparisons = []
    for path in sorted(folder.glob("*.json")):
        left_out = missing_types(json.loads(path.read_text())["config"], LOSSES)
        option = ", ".join(f"{name}: {json.dumps(value)}" for name, value in OPTIONS.get(path.stem, {}).items())
        comparisons.append(Comparison(path.stem, list if left_out else partial(_compare, path), left_out, option))
    return comparisons


def _compare(path: Path) -> list[Difference]:
    case = json.loads(path.read_text())
    with np.load(path.with_suffix(".npz")) as arrays:
        data = dict(arrays)
    inputs = {name.removeprefix("in_"): torch.from_numpy(data[name]) for name in data if name.startswith("in_")}
    gradients = {name.removeprefix("grad_"): data[name] for name in data if name.startswith("grad_")}
    for name in gradients:
        inputs[name].requires_grad_()

    loss = build_loss({**case["config"], **OPTIONS.get(path.stem, {})})
    value = CALLS[case["call"]](loss, inputs).sum()
    if gradients:
        value.backward()

    reason = ON_PURPOSE.get(path.stem, "")
    distance = relative(value.detach().numpy(), np.array(case["total"]))
    differences = [Difference("value", distance, TOLERANCE, reason)]
    for name, wanted in gradients.items():
        found = inputs[name].grad
        distance = relative(np.zeros_like(wanted) if found is None else found.numpy(), wanted)
        differences.append(Difference(f"gradient of {name}", distance, TOLERANCE, reason))
    return differences
