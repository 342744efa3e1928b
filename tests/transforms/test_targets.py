"""Transforms that make something of the label map for a loss to compare with."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import segwright.transforms as T
from segwright.errors import ConfigError, DataError
from segwright.types import Sample

RNG = np.random.default_rng(0)
IMAGE = np.zeros((32, 40, 3), np.uint8)
LABEL = np.zeros((32, 40), np.uint8)
LABEL[:, 20:] = 1
LABEL[0, 0] = 255

labels = arrays(
    np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.sampled_from([0, 1, 2, 7, 255])
)


@pytest.mark.parametrize(
    "transform", [T.AddEdgeLabel(), T.AddMultiLabelAuxiliaryCategory(), T.GenerateInstanceTargets(2)]
)
def test_without_a_label_nothing_happens(transform):
    sample = Sample(IMAGE)
    assert transform(sample, RNG) is sample


def test_the_boundary_is_where_ids_change_but_not_at_the_rim():
    edge = T.AddEdgeLabel(edge_size=3)(Sample(IMAGE, LABEL), RNG).edge
    assert edge.dtype == np.uint8
    rows, columns = np.nonzero(edge)
    assert set(columns) <= set(range(17, 23))
    assert columns.max() - columns.min() >= 2
    assert (rows.min(), rows.max()) == (5, 26)  # six pixels of rim, less one by which the square broadens
    assert set(np.unique(edge)) == {0, 1}


@settings(deadline=None)
@given(labels, st.integers(1, 5))
def test_a_boundary_map_has_the_size_of_any_label(label, size):
    before = label.copy()
    edge = T.AddEdgeLabel(size)(Sample(np.zeros((*label.shape, 3), np.uint8), label), RNG).edge
    assert edge.shape == label.shape
    np.testing.assert_array_equal(label, before)


def test_padding_leaves_the_boundary_unknown():
    sample = T.AddEdgeLabel()(Sample(IMAGE, LABEL), RNG)
    padded = T.Padding((40, 48))(sample, RNG)
    assert (padded.edge[32:] == 255).all()
    np.testing.assert_array_equal(padded.edge[:32], sample.edge)


def test_wide_and_multi_labels_have_no_boundary():
    with pytest.raises(DataError, match="ids up to 255; got int32"):
        T.AddEdgeLabel()(Sample(IMAGE, LABEL.astype(np.int32)), RNG)


@settings(deadline=None)
@given(labels)
def test_masks_say_where_each_class_is(label):
    sample = T.GenerateInstanceTargets(5)(Sample(np.zeros((*label.shape, 3), np.uint8), label), RNG)
    classes, masks = sample.targets["gt_classes"], sample.targets["gt_masks"]
    ids = sorted(set(np.unique(label).tolist()) - {255})
    assert classes.tolist() == ids + [255] * (5 - len(ids))
    assert masks.shape == (5, *label.shape)
    for mask, value in zip(masks, classes, strict=True):
        np.testing.assert_array_equal(mask, (label == value) & (value != 255))


def test_more_classes_than_masks():
    with pytest.raises(DataError, match=r"holds 2 classes, but GenerateInstanceTargets\.num_classes is 1"):
        T.GenerateInstanceTargets(1)(Sample(IMAGE, LABEL), RNG)


def test_masks_are_made_last():
    early = T.Compose([T.GenerateInstanceTargets(2), T.RandomHorizontalFlip(1.0)])
    with pytest.raises(ConfigError, match="gt_classes, gt_masks were made of the label map"):
        early(IMAGE, LABEL)
    sample = T.Compose([T.RandomHorizontalFlip(1.0), T.GenerateInstanceTargets(2), T.Normalize()])(IMAGE, LABEL)
    assert sample.targets["gt_masks"][1, 0, :20].all()


def test_what_looks_at_labels_only_may_follow_normalize(caplog):
    T.Compose([T.Normalize(), T.AddEdgeLabel(), T.GenerateInstanceTargets(2)])
    assert not caplog.records


def test_the_auxiliary_class_is_where_no_other_is():
    label = np.zeros((1, 4, 2), np.uint8)
    label[0, :, 0] = [0, 1, 0, 255]
    label[0, :, 1] = [0, 1, 1, 0]
    after = T.AddMultiLabelAuxiliaryCategory()(Sample(np.zeros((1, 4, 3), np.uint8), label), RNG).label
    assert after[0, :, 0].tolist() == [1, 0, 0, 255]
    np.testing.assert_array_equal(after[:, :, 1:], label)
    with pytest.raises(DataError, match="multi-label maps"):
        T.AddMultiLabelAuxiliaryCategory()(Sample(IMAGE, LABEL), RNG)
