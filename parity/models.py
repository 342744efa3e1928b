"""Logits and training steps of models."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import torch

from parity.comparison import Comparison, Difference, missing_types, relative
from parity.recipe import Case, without_dropout
from segwright.registry import BACKBONES, MODELS
from segwright.weights.names import paddle_variables

LOGITS = 1e-4  # of the largest logit; float32 on both sides
TRAINING = 1e-6  # computed in float64 on both sides
TRAINING_FLOAT32 = 2e-4  # where PaddleSeg computed in float32


def cases(folder: Path) -> list[Comparison]:
    """Every recording in a folder: outputs of evaluation, or outputs and gradients of training."""
    comparisons = []
    for path in sorted(folder.glob("*.json")):
        left_out = missing_types(json.loads(path.read_text())["model"], MODELS, BACKBONES)
        measure = list if left_out else partial(_compare, path)
        comparisons.append(Comparison(path.stem, measure, left_out))
    return comparisons


def _compare(path: Path) -> list[Difference]:
    case = Case.read(path)
    return _training(case) if case.training else _logits(case)


def _logits(case: Case) -> list[Difference]:
    """A case that amplifies the rounding of its input more than tenfold is let off as much.

    PaddleSeg returns auxiliary logits in evaluation too. Ours come only in training: the root module alone is told to
    train, so that they are computed with the statistics of evaluation.
    """
    model = case.model().eval()
    recorded = case.facts["outputs"]
    model.training = len(recorded) > 1
    with torch.inference_mode():
        outputs = model(case.image())
    differences = []
    conditioning = case.facts["rel_change_for_1e6_input_perturbation"]
    for output, facts, change in zip(outputs, recorded, conditioning, strict=True):
        value = relative(_sampled(output, facts), case.numbers[facts["key"]])
        differences.append(Difference(f"logits {facts['key']}", value, max(LOGITS, 10 * change)))
    return differences


def _training(case: Case) -> list[Difference]:
    facts = case.facts
    model = without_dropout(case.model()).double().train()
    image = case.image().double().requires_grad_()
    outputs = model(image)
    loss = sum(output.square().mean() for output in outputs)
    loss.backward()

    tolerance = TRAINING if "float64" in facts else TRAINING_FLOAT32
    differences = [
        Difference(f"output {entry['key']}", relative(_sampled(output, entry), case.numbers[entry["key"]]), tolerance)
        for output, entry in zip(outputs, facts["outputs"], strict=True)
    ]
    step = facts["grad_input_subsample"]
    gradient = image.grad[:, :, ::step, ::step].numpy()
    differences.append(Difference("loss", abs(loss.item() / facts["loss"] - 1), tolerance))
    differences.append(Difference("input gradient", relative(gradient, case.numbers["grad_input"]), tolerance))

    parameters, state = dict(model.named_parameters()), model.state_dict()
    # A bias in front of batch normalisation has the gradient zero; what is recorded is its rounding noise.
    noise = (1 if "float64" in facts else 100) * 1e-6 * facts["grad_total_l2"]
    norms, statistics = [], []
    recorded = facts["bn_after_one_forward"]["stats"]
    for ours, (theirs, _) in paddle_variables(model).items():
        if ours in parameters:
            wanted = facts["grad_l2_norm"][theirs]
            norms.append(max(0.0, abs(parameters[ours].grad.norm().item() - wanted) - noise) / max(wanted, noise))
        elif theirs in recorded:  # what is neither is a second name of a parameter
            norm, total = recorded[theirs]
            statistics.append(abs(state[ours].norm().item() - norm) / norm)
            statistics.append(abs(state[ours].sum().item() - total) / max(norm, abs(total)))
    assert len(statistics) == 2 * len(recorded), "statistics of batch normalisation are missing"
    differences.append(Difference("gradient norms", max(norms), tolerance))
    differences.append(Difference("batch statistics", max(statistics), tolerance))
    return differences


def _sampled(output: torch.Tensor, facts: dict) -> np.ndarray:
    """The pixels that were recorded, of an output with the shape that was recorded."""
    assert list(output.shape) == facts["shape"], f"{list(output.shape)} instead of {facts['shape']}"
    step = facts["spatial_subsample"]
    return output.detach()[:, :, ::step, ::step].numpy()
