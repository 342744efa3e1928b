"""Losses about the borders of classes, and the binary cross entropy that teaches them."""

import math

import pytest
import torch
import torch.nn.functional as F

from segwright.errors import ConfigError, DataError
from segwright.losses import (
    BCELoss,
    CrossEntropyLoss,
    EdgeAttentionLoss,
    OhemCrossEntropyLoss,
    OhemEdgeAttentionLoss,
    RelaxBoundaryLoss,
)
from segwright.losses.relax_boundary import dilate


def random_pair(channels: int = 3, *, images: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    label = torch.randint(0, channels, (images, 8, 9))
    label[:, 0] = 255
    return torch.randn(images, channels, 8, 9), label


def test_a_row_of_two_classes_by_hand():
    probs = torch.tensor([0.5, 0.3, 0.2])
    logits = probs.log().view(1, 3, 1, 1).expand(1, 3, 1, 5)
    label = torch.tensor([[[0, 0, 1, 1, 255]]])
    either = -math.log(0.8)  # of the pixels beside the border
    expected = (-math.log(0.5) + either + either - 2 * math.log(0.3)) / (5 + 1)  # the ignored one is beside class 1
    assert RelaxBoundaryLoss()(logits, label).item() == pytest.approx(expected, rel=1e-5)


def test_without_a_border_it_is_the_cross_entropy():
    logits, label = random_pair(images=1)
    num_valid = (label != 255).sum().item()
    expected = CrossEntropyLoss()(logits, label).item() * num_valid / (num_valid + 1)
    assert RelaxBoundaryLoss(border=0)(logits, label).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("border", [1, 2])
def test_a_wider_border_costs_less_and_images_are_added(border):
    logits, label = random_pair()
    loss, narrower = RelaxBoundaryLoss(border), RelaxBoundaryLoss(border - 1)
    alone = [loss(logits[i : i + 1], label[i : i + 1]).item() for i in range(2)]
    assert loss(logits, label).item() == pytest.approx(sum(alone), rel=1e-5)
    assert loss(logits, label) < narrower(logits, label)


def test_classes_are_weighed_by_what_is_left_of_the_image():
    logits, label = torch.zeros(1, 2, 1, 8), torch.tensor([[[0, 0, 0, 255, 255, 255, 255, 1]]])
    share = torch.tensor([4 / 6, 2 / 6])
    weight = 1 + 0.5 * (1 - share)
    expected = math.log(2) * (4 * weight[0] + 2 * weight[1]) / (6 + 1)
    loss = RelaxBoundaryLoss(calculate_weights=True, upper_bound=0.5)(logits, label)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_as_paddleseg_is_the_same_for_one_image_and_larger_for_more():
    logits, label = random_pair()
    right, theirs = RelaxBoundaryLoss(), RelaxBoundaryLoss(as_paddleseg=True)
    assert theirs(logits[:1], label[:1]).item() == pytest.approx(right(logits[:1], label[:1]).item(), rel=1e-6)
    assert theirs(logits, label) > 1.5 * right(logits, label)


def test_dilation_reaches_over_rows_and_columns_and_no_further():
    mask = torch.zeros(1, 7, 9, dtype=torch.bool)
    mask[0, 2, 3] = True
    grown = dilate(mask, 2)
    assert grown.nonzero().min(dim=0).values.tolist() == [0, 0, 1]
    assert grown.nonzero().max(dim=0).values.tolist() == [0, 4, 5]
    assert grown.sum() == 25
    assert torch.equal(dilate(mask, 1), F.max_pool2d(mask.float(), 3, 1, 1).bool())


def test_binary_cross_entropy_of_one_channel_and_of_one_per_class():
    logits, label = random_pair(2)
    valid = label != 255
    expected = F.binary_cross_entropy_with_logits(logits[:, 0][valid], label[valid].float())
    assert BCELoss()(logits[:, :1], label).item() == pytest.approx(expected.item(), rel=1e-5)
    truth = F.one_hot(label[valid], 2).float()
    expected = F.binary_cross_entropy_with_logits(logits.permute(0, 2, 3, 1)[valid], truth)
    assert BCELoss()(logits, label).item() == pytest.approx(expected.item(), rel=1e-5)
    answers = torch.stack([torch.where(valid, label == i, 255) for i in range(2)], dim=1)
    assert BCELoss()(logits, answers).item() == pytest.approx(expected.item(), rel=1e-5)


def test_dynamic_weights_make_ones_and_zeros_matter_alike():
    label = torch.tensor([[[1, 0, 0, 0]]])
    logits = torch.zeros(1, 1, 1, 4, requires_grad=True)
    loss = BCELoss(weight="dynamic")(logits, label)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2) * (1.5 + 3 * 0.5) / 4, rel=1e-6)
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-7)
    dynamic, fixed = BCELoss(pos_weight="dynamic")(logits, label), BCELoss(pos_weight=1.5)(logits, label)
    assert dynamic.item() == pytest.approx(fixed.item(), rel=1e-6)


def test_it_says_which_map_it_takes():
    assert BCELoss().takes == ("label",)
    assert BCELoss(edge_label=True).takes == ("edge",)


def test_only_pixels_where_the_model_sees_an_edge_count():
    logits, label = random_pair()
    edge_logits = torch.randn(2, 1, 8, 9)
    kept = label.clone()
    kept[edge_logits[:, 0] <= 0.8] = 255
    plain = EdgeAttentionLoss()((logits, edge_logits), label)
    assert plain.item() == pytest.approx(CrossEntropyLoss()(logits, kept).item(), rel=1e-5)
    mined = OhemEdgeAttentionLoss(min_kept=6)((logits, edge_logits), label)
    assert mined.item() == pytest.approx(OhemCrossEntropyLoss(min_kept=6)(logits, kept).item(), rel=1e-3)


def test_what_does_not_fit_is_refused():
    logits, label = random_pair()
    with pytest.raises(DataError, match=r"ids 0 and 1, but the label holds 2; .*edge_label: True"):
        BCELoss()(logits[:, :1], label)
    with pytest.raises(DataError, match=r"edge logits of one channel .* \(2, 1, 8, 9\), got \(2, 1, 4, 4\)"):
        EdgeAttentionLoss()((logits, torch.zeros(2, 1, 4, 4)), label)
    with pytest.raises(ConfigError, match="pos_weight is a factor, 0 or more, or 'dynamic'; got -1"):
        BCELoss(pos_weight=-1)
    with pytest.raises(ConfigError, match="border is a number of pixels, 0 or more, got -1"):
        RelaxBoundaryLoss(border=-1)
