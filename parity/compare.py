"""How far our numbers are from PaddleSeg's."""

from dataclasses import dataclass

import numpy as np
import torch

from parity.recipe import Case, without_dropout
from segwright.weights.names import paddle_variables

LOGITS = 1e-4  # of the largest logit; float32 on both sides
TRAINING = 1e-6  # computed in float64 on both sides
TRAINING_FLOAT32 = 2e-4  # where PaddleSeg computed in float32


@dataclass(frozen=True)
class Difference:
    """The largest relative difference of one kind of number, and what is let pass."""

    kind: str
    value: float
    tolerance: float

    @property
    def ok(self) -> bool:
        return self.value <= self.tolerance


def compare(case: Case) -> list[Difference]:
    """Every kind of number that the case holds, against ours."""
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
        value = _relative(_sampled(output, facts), case.numbers[facts["key"]])
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
        Difference(f"output {entry['key']}", _relative(_sampled(output, entry), case.numbers[entry["key"]]), tolerance)
        for output, entry in zip(outputs, facts["outputs"], strict=True)
    ]
    step = facts["grad_input_subsample"]
    gradient = image.grad[:, :, ::step, ::step].numpy()
    differences.append(Difference("loss", abs(loss.item() / facts["loss"] - 1), tolerance))
    differences.append(Difference("input gradient", _relative(gradient, case.numbers["grad_input"]), tolerance))

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


def _relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest difference, as a share of the largest number."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())
