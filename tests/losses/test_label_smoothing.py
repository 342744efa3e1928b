"""Smoothed labels against torch's own loss."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from segwright.errors import ConfigError
from segwright.losses import CrossEntropyLoss

seeds = st.integers(0, 1000)


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn((2, 4, 3, 5), generator=generator, dtype=torch.float64)
    label = torch.randint(0, 4, (2, 3, 5), generator=generator)
    label[0, 0, :2] = 255
    return logits.requires_grad_(), label


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(0, 0.9), st.none() | st.lists(st.floats(0.1, 5), min_size=4, max_size=4))
def test_value_and_gradient_are_those_of_torch(seed, smoothing, weight):
    logits, label = batch(seed)
    loss = CrossEntropyLoss(weight, label_smoothing=smoothing)(logits, label)
    tensor = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    wanted = F.cross_entropy(logits, label, weight=tensor, ignore_index=255, label_smoothing=smoothing)
    torch.testing.assert_close(loss, wanted, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(
        *(torch.autograd.grad(value, logits, retain_graph=True)[0] for value in (loss, wanted)), rtol=1e-6, atol=1e-8
    )


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_hardest_pixels_are_chosen_by_the_smoothed_loss(seed):
    logits, label = batch(seed)
    loss = CrossEntropyLoss(top_k_percent_pixels=0.2, label_smoothing=0.1)(logits, label)
    each = F.cross_entropy(logits, label, ignore_index=255, label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(loss, each.flatten().topk(6).values.mean(), rtol=1e-6, atol=1e-8)


def test_without_smoothing_nothing_changes():
    logits, label = batch(1)
    assert torch.equal(CrossEntropyLoss(label_smoothing=0.0)(logits, label), CrossEntropyLoss()(logits, label))


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ConfigError, match="label_smoothing is a share"):
        CrossEntropyLoss(label_smoothing=share)
