"""Losses that compare two predictions."""

import math

import pytest
import torch

from segwright.engine.objective import Objective
from segwright.errors import ConfigError, DataError
from segwright.losses import CrossEntropyLoss, DistillationLoss, DistillCrossEntropyLoss, KLLoss

KL_OF_QUARTERS_FROM_HALVES = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)


def pixels(*probs: float) -> torch.Tensor:
    """Logits of two classes for a row of pixels whose first class has these probabilities."""
    return torch.tensor([[[[math.log(p / (1 - p)) for p in probs]], [[0.0] * len(probs)]]])


def test_kl_of_two_predictions_by_hand():
    assert KLLoss()(pixels(0.5), pixels(0.75)).item() == pytest.approx(KL_OF_QUARTERS_FROM_HALVES / 2, rel=1e-6)


def test_kl_softens_by_the_temperature_and_makes_up_for_it():
    value = KLLoss(temperature=3)(3 * pixels(0.5), 3 * pixels(0.75))
    assert value.item() == pytest.approx(9 * KL_OF_QUARTERS_FROM_HALVES / 2, rel=1e-6)


def test_kl_averages_over_the_pixels_that_count():
    label = torch.tensor([[[0, 255, 1]]])
    value = KLLoss()(pixels(0.5, 0.001, 0.5), pixels(0.75, 0.9, 0.75), label)
    assert value.item() == pytest.approx(KL_OF_QUARTERS_FROM_HALVES / 2, rel=1e-6)


def test_the_aim_and_ignored_pixels_receive_no_gradient():
    logits, aim = pixels(0.5, 0.5).requires_grad_(), pixels(0.75, 0.75).requires_grad_()
    KLLoss()(logits, aim, torch.tensor([[[0, 255]]])).backward()
    assert aim.grad is None
    assert (logits.grad != 0).all(dim=1).flatten().tolist() == [True, False]


def test_kl_is_finite_for_certain_predictions():
    logits = torch.tensor([1e4, 0.0]).view(1, 2, 1, 1).requires_grad_()
    value = KLLoss()(logits, -logits)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()


def test_in_training_kl_compares_the_first_two_outputs():
    outputs, label = [torch.randn(1, 3, 4, 4) for _ in range(3)], torch.randint(0, 3, (1, 4, 4))
    objective = Objective([CrossEntropyLoss(), CrossEntropyLoss(), KLLoss()], [1, 1, 2])
    parts = objective(outputs, {"image": outputs[0], "label": label})
    assert parts[2].item() == pytest.approx(2 * KLLoss()(outputs[0], outputs[1], label).item())


def test_a_certain_teacher_is_the_truth():
    student, truth = torch.randn(2, 3, 5, 6), torch.randint(0, 3, (2, 5, 6))
    teacher = 100.0 * torch.nn.functional.one_hot(truth, 3).movedim(-1, 1)
    label = torch.where(torch.rand(2, 5, 6) < 0.3, 255, truth)
    for arguments in ({}, {"weight": [1, 2, 3]}, {"top_k_percent_pixels": 0.4}):
        value = DistillCrossEntropyLoss(**arguments)(student, teacher, label)
        assert value.item() == pytest.approx(CrossEntropyLoss(**arguments)(student, label).item(), rel=1e-5)


def test_a_student_that_says_what_the_teacher_says_has_nothing_to_learn():
    teacher = torch.randn(2, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    student, label = teacher.detach().clone().requires_grad_(), torch.randint(0, 4, (2, 3, 3))
    value = DistillCrossEntropyLoss()(student, teacher, label)
    value.backward()
    entropy = torch.distributions.Categorical(logits=teacher.movedim(1, -1)).entropy().mean()
    assert value.item() == pytest.approx(entropy.item(), rel=1e-6)
    assert student.grad.abs().max() < 1e-12
    assert teacher.grad is None


def test_both_layouts_give_one_value():
    student, teacher, label = torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5))
    value = DistillCrossEntropyLoss(data_format="NHWC")(student.movedim(1, -1), teacher.movedim(1, -1), label)
    assert value.item() == pytest.approx(DistillCrossEntropyLoss()(student, teacher, label).item(), rel=1e-6)


def test_factors_per_pixel_enter_the_sum():
    student, teacher, label = torch.randn(1, 3, 4, 5), torch.randn(1, 3, 4, 5), torch.randint(0, 3, (1, 4, 5))
    loss = DistillCrossEntropyLoss()
    doubled = loss(student, teacher, label, torch.full((1, 4, 5), 2.0))
    assert doubled.item() == pytest.approx(2 * loss(student, teacher, label).item(), rel=1e-6)


def test_features_are_compared_by_direction_over_all_levels():
    along_x, along_y = (torch.tensor(vector).view(1, 2, 1, 1).expand(2, 2, 3, 4) for vector in ([5.0, 0.0], [0.0, 0.1]))
    value = DistillationLoss()(([along_x, along_x], [along_y, 3 * along_x]))
    assert value.item() == pytest.approx(2, rel=1e-6)  # |x - y|^2 = 2, and nothing


def test_the_teacher_of_features_receives_no_gradient_and_no_change():
    student, teacher = torch.randn(2, 3, 4, 4, requires_grad=True), torch.randn(2, 3, 4, 4, requires_grad=True)
    maps = [teacher]
    DistillationLoss()(([student], maps)).backward()
    assert student.grad is not None
    assert teacher.grad is None
    assert maps[0] is teacher


@pytest.mark.parametrize("loss", [KLLoss(), DistillCrossEntropyLoss(), DistillCrossEntropyLoss(weight=[1, 2, 3])])
def test_half_precision_is_computed_in_full(loss):
    logits = [torch.randn(2, 3, 8, 8).bfloat16() for _ in range(2)]
    label = torch.randint(0, 3, (2, 8, 8))
    value = loss(*logits, label)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss(*(each.float() for each in logits), label).item(), rel=1e-6)


def test_what_does_not_fit_is_named():
    one, other = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 5)
    with pytest.raises(DataError, match=r"logits of one shape, got \(1, 2, 4, 4\) and \(1, 2, 4, 5\)"):
        KLLoss()(one, other)
    with pytest.raises(DataError, match="student and teacher want logits of one shape"):
        DistillCrossEntropyLoss()(one, other, torch.zeros(1, 4, 4))
    with pytest.raises(DataError, match="the student has 2 feature maps, but the teacher has 1"):
        DistillationLoss()(([one, one], [one]))
    with pytest.raises(ConfigError, match="temperature is a number above 0, got 0"):
        KLLoss(temperature=0)
    with pytest.raises(ConfigError, match=r"top_k_percent_pixels is a share above 0 and up to 1, got 1\.5"):
        DistillCrossEntropyLoss(top_k_percent_pixels=1.5)
