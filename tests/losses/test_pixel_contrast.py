"""Contrast between sampled pixels, against the rule spelled out pixel by pixel."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from segwright.errors import ConfigError, DataError
from segwright.losses import PixelContrastCrossEntropyLoss


def random_case(seed: int, num_classes: int = 3) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Outputs of 6 x 7 pixels for two images, their labels, and an order of the pixels."""
    generator = torch.Generator().manual_seed(seed)
    seg = torch.randn(2, num_classes, 6, 7, generator=generator)
    embed = normalize(torch.randn(2, 5, 6, 7, generator=generator, dtype=torch.float64))
    ids = torch.tensor([*range(num_classes), 255])
    label = ids[torch.randint(0, len(ids), (2, 6, 7), generator=generator)]
    return {"seg": seg, "embed": embed}, label, torch.rand(2, 42, generator=generator)


def draw(label: np.ndarray, pred: np.ndarray, order: np.ndarray, max_samples: int, max_views: int) -> list:
    """(image, class, pixel) of each anchor, by the rule."""
    big = [
        (image, index)
        for image, ids in enumerate(label)
        for index in sorted(set(ids) - {255})
        if (ids == index).sum() > max_views
    ]
    views = min(max(1, max_samples // max(1, len(big))), max_views)
    anchors = []
    for image, index in big:
        pixels = [pixel for pixel in order[image].argsort() if label[image, pixel] == index]
        hard = [pixel for pixel in pixels if pred[image, pixel] != index]
        easy = [pixel for pixel in pixels if pred[image, pixel] == index]
        num_hard = views // 2
        if len(easy) < views - num_hard:
            num_hard = views - len(easy)
        num_hard = min(num_hard, len(hard))
        anchors += [(image, index, pixel) for pixel in hard[:num_hard] + easy[: views - num_hard]]
    return anchors


def by_hand(outputs: dict, label: torch.Tensor, order: torch.Tensor, max_samples: int, max_views: int) -> float:
    pred = outputs["seg"].argmax(dim=1).flatten(1).numpy()
    anchors = draw(label.flatten(1).numpy(), pred, order.numpy(), max_samples, max_views)
    vectors = outputs["embed"].flatten(2).numpy()
    score = [[vectors[a[0], :, a[2]] @ vectors[b[0], :, b[2]] / 0.1 for b in anchors] for a in anchors]
    losses = []
    for i, a in enumerate(anchors):
        negatives = sum(math.exp(score[i][j]) for j, b in enumerate(anchors) if b[1] != a[1])
        positives = [score[i][j] for j, b in enumerate(anchors) if b[1] == a[1] and i != j]
        if positives:
            losses.append(np.mean([-math.log(math.exp(s) / (math.exp(s) + negatives)) for s in positives]))
    return 0.1 / 0.07 * float(np.mean(losses)) if losses else 0.0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), max_samples=st.integers(1, 60), max_views=st.integers(1, 14))
def test_value_follows_the_rule(seed, max_samples, max_views):
    outputs, label, order = random_case(seed)
    loss = PixelContrastCrossEntropyLoss(max_samples=max_samples, max_views=max_views)
    expected = by_hand(outputs, label, order, max_samples, max_views)
    assert loss(outputs, label, order).item() == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_anchors_are_drawn_by_torchs_generator():
    outputs, label, _ = random_case(1)
    loss = PixelContrastCrossEntropyLoss(max_samples=20, max_views=4)
    torch.manual_seed(1)
    first, second = loss(outputs, label), loss(outputs, label)
    torch.manual_seed(1)
    assert loss(outputs, label).item() == first.item() != second.item()


def test_classes_apart_cost_less_than_classes_together():
    label = torch.zeros(1, 4, 4, dtype=torch.int64)
    label[:, 2:] = 1
    seg = torch.randn(1, 2, 4, 4)
    apart = torch.nn.functional.one_hot(label, 2).movedim(-1, 1).float()
    loss = PixelContrastCrossEntropyLoss(max_views=4)
    assert loss({"seg": seg, "embed": apart}, label) < 0.01
    assert loss({"seg": seg, "embed": torch.ones(1, 2, 4, 4) / 2**0.5}, label) > 1


def test_a_larger_label_is_brought_to_the_embeddings_size():
    outputs, label, order = random_case(2)
    loss = PixelContrastCrossEntropyLoss(max_views=4)
    larger = label.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
    assert loss(outputs, larger, order).item() == loss(outputs, label, order).item()


@pytest.mark.parametrize("ids", [[255], [0], [0, 255]])
def test_without_two_classes_there_is_nothing_to_tell_apart(ids):
    outputs, label, _ = random_case(3)
    outputs["embed"].requires_grad_()
    label = torch.tensor(ids)[torch.arange(84).view_as(label) % len(ids)]
    value = PixelContrastCrossEntropyLoss(max_views=4)(outputs, label)
    value.backward()
    assert value.item() == 0
    assert (outputs["embed"].grad == 0).all()


def test_classes_too_small_to_send_anchors_cost_nothing():
    outputs, label, _ = random_case(4)
    assert PixelContrastCrossEntropyLoss(max_views=100)(outputs, label).item() == 0


def test_gradient_is_that_of_the_value():
    outputs, label, order = random_case(5)
    loss = PixelContrastCrossEntropyLoss(max_samples=24, max_views=4)
    embed = outputs["embed"].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss({"seg": outputs["seg"], "embed": x}, label, order), embed)


@pytest.mark.parametrize("scale", [0.0, 300.0])
def test_embeddings_of_any_length_are_finite(scale):
    outputs, label, order = random_case(6)
    embed = (scale * outputs["embed"]).float().requires_grad_()
    value = PixelContrastCrossEntropyLoss(max_views=4)({"seg": outputs["seg"], "embed": embed}, label, order)
    value.backward()
    assert value.isfinite()
    assert embed.grad.isfinite().all()


def test_mixed_precision_computes_in_full():
    outputs, label, order = random_case(7)
    half = {key: value.bfloat16() for key, value in outputs.items()}
    loss = PixelContrastCrossEntropyLoss(max_views=4)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(half, label, order)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss({k: v.float() for k, v in half.items()}, label, order).item(), rel=1e-6)


def test_what_does_not_fit_is_named():
    outputs, label, _ = random_case(8)
    loss = PixelContrastCrossEntropyLoss()
    with pytest.raises(DataError, match="wants outputs seg and embed, got seg"):
        loss({"seg": outputs["seg"]}, label)
    with pytest.raises(DataError, match=r"seg is \(6, 7\) pixels, but embed is \(6, 6\)"):
        loss({"seg": outputs["seg"], "embed": outputs["embed"][..., :6]}, label)
    with pytest.raises(ConfigError, match=r"temperatures are numbers above 0, got 0 and base 0\.07"):
        PixelContrastCrossEntropyLoss(temperature=0)
    with pytest.raises(ConfigError, match="max_samples and max_views are 1 or more, got 0 and 100"):
        PixelContrastCrossEntropyLoss(max_samples=0)
