"""The label's detail, and the loss against it."""

import math

import pytest
import torch

from segwright.errors import DataError
from segwright.losses import DetailAggregateLoss


def label_with(ids: dict[tuple[int, int], int], side: int = 12) -> torch.Tensor:
    """Class 0 but for these pixels (row, column)."""
    label = torch.zeros(1, 1, side, side, dtype=torch.int64)
    for (row, column), index in ids.items():
        label[0, 0, row, column] = index
    return label


def detail(label: torch.Tensor, loss: DetailAggregateLoss | None = None) -> set[tuple[int, ...]]:
    """Places (row, column) of detail in one label."""
    valid = label != 255
    found = (loss or DetailAggregateLoss()).detail(torch.where(valid, label, 0), valid)
    return {tuple(place) for place in found[0, 0].nonzero().tolist()}


def test_a_pixel_off_the_coarser_grids_is_detail_by_itself():
    assert detail(label_with({(3, 3): 1})) == {(3, 3)}


def test_an_edge_at_stride_2_covers_2_by_2_pixels_and_one_at_stride_4_alone_is_none():
    assert detail(label_with({(4, 4): 2})) == {(4, 4), (4, 5), (5, 4), (5, 5)}


def test_other_weights_let_stride_4_count():
    loss = DetailAggregateLoss()
    loss.fuse_kernel.fill_(0.2)
    assert detail(label_with({(4, 4): 2}), loss) == {(row, column) for row in range(4, 8) for column in range(4, 8)}


def test_an_edge_lies_on_the_side_of_the_larger_id():
    label = label_with({(row, column): 3 for row in range(12) for column in range(7, 12)})
    first = min(column for _, column in detail(label))
    assert first == 7


def test_ignored_pixels_have_no_edges_on_either_side():
    inner = {(row, column): 255 for row in range(3, 8) for column in range(3, 8)}
    assert detail(label_with(inner)) == set()
    assert detail(label_with({**inner, (5, 5): 1})) == set()  # surrounded by nothing that it could differ from
    assert detail(label_with({(3, 3): 1, (3, 4): 255})) == {(3, 3)}


def test_a_right_prediction_costs_nothing_and_none_is_random():
    label = torch.zeros(2, 16, 16, dtype=torch.int64)
    label[:, 5:11, 4:12] = 1
    truth = DetailAggregateLoss().detail(label.unsqueeze(1), torch.ones(2, 1, 16, 16, dtype=torch.bool))
    for seed in range(2):
        torch.manual_seed(seed)
        loss = DetailAggregateLoss()
        assert loss(200 * truth - 100, label).item() == pytest.approx(0, abs=1e-5)
        assert loss(100 - 200 * truth, label).item() > 50


def test_value_by_hand():
    label = label_with({(3, 3): 1})  # one pixel of detail
    pixels, half = 144, 0.5
    expected = math.log(2) + 1 - (2 * half + 1) / (pixels * half + 1 + 1)
    assert DetailAggregateLoss()(torch.zeros(1, 1, 12, 12), label[:, 0]).item() == pytest.approx(expected, rel=1e-6)


def test_smaller_logits_are_enlarged_corner_to_corner():
    logits, label = torch.randn(1, 1, 5, 7), torch.randint(0, 3, (1, 9, 13))
    larger = torch.nn.functional.interpolate(logits, (9, 13), mode="bilinear", align_corners=True)
    loss = DetailAggregateLoss()
    assert loss(logits, label).item() == pytest.approx(loss(larger, label).item(), rel=1e-6)


def test_ignored_pixels_have_no_gradient():
    logits, label = torch.randn(1, 1, 8, 8, requires_grad=True), torch.randint(0, 3, (1, 8, 8))
    label[:, 2:5] = 255
    DetailAggregateLoss()(logits, label).backward()
    assert (logits.grad[..., 2:5, :] == 0).all()
    assert (logits.grad[..., 5:, :] != 0).all()
    assert DetailAggregateLoss()(logits, torch.full_like(label, 255)).item() == 0


def test_half_precision_is_computed_in_full_and_autocast_does_not_round_the_labels():
    logits, label = torch.randn(1, 1, 40, 40).bfloat16(), torch.randint(200, 255, (1, 40, 40))
    loss = DetailAggregateLoss()
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(logits, label)
    assert value.item() == pytest.approx(loss(logits.float(), label).item(), rel=1e-6)


def test_logits_of_several_classes_are_refused():
    with pytest.raises(DataError, match="logits of one channel, got 19"):
        DetailAggregateLoss()(torch.zeros(1, 19, 4, 4), torch.zeros(1, 4, 4))
