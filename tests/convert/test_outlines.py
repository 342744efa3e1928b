"""Outlines of regions: exact, holes and all."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segwright.convert.outlines import coco, coco_annotation, regions

masks = st.tuples(st.integers(1, 14), st.integers(1, 14)).flatmap(
    lambda shape: st.one_of(
        arrays(bool, shape), arrays(np.uint8, shape, elements=st.integers(0, 9)).map(lambda a: a > 1)
    )
)


def drawn(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose middles an outline encloses, by the even-odd rule."""
    starts, ends = outline, np.roll(outline, -1, axis=0)
    mask = np.zeros(shape, bool)
    middles = np.arange(shape[1]) + 0.5
    for row in range(shape[0]):
        y = row + 0.5 + 1e-3  # a hair below the cuts to holes, which have no width
        crosses = (np.minimum(starts[:, 1], ends[:, 1]) <= y) & (y < np.maximum(starts[:, 1], ends[:, 1]))
        (x0, y0), (x1, y1) = starts[crosses].T, ends[crosses].T
        for x in x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            mask[row] ^= middles > x
    return mask


@settings(deadline=None, max_examples=150)
@given(masks)
def test_outlines_give_the_mask_back(mask):
    found = list(regions(mask, 7))
    again = np.zeros(mask.shape, bool)
    for region in found:
        assert region.class_id == 7
        part = drawn(region.outline, mask.shape)
        assert not (again & part).any()
        assert part.sum() == region.area
        again |= part
    np.testing.assert_array_equal(again, mask)


def test_a_ring_is_one_outline_with_a_cut_to_its_hole():
    mask = np.ones((5, 6), bool)
    mask[2, 2:4] = False
    (region,) = regions(mask, 1)
    assert region.area == 28
    assert coco_annotation(region)["bbox"] == [0, 0, 6, 5]
    np.testing.assert_array_equal(drawn(region.outline, mask.shape), mask)


@settings(deadline=None, max_examples=50)
@given(st.floats(6, 20), st.floats(0.5, 3))
def test_simpler_outlines_stay_close(radius, simplify):
    y, x = np.mgrid[:48, :48]
    mask = (x - 24) ** 2 + (y - 24) ** 2 <= radius**2
    (exact,), (simple,) = regions(mask, 0), regions(mask, 0, simplify)
    assert len(simple.outline) <= len(exact.outline)
    assert simple.area == exact.area
    distance = np.abs(np.hypot(*(simple.outline - 24.5).T) - radius)
    assert distance.max() < 2  # its points are points of the stairs, which lie within a pixel of the circle
    differ = drawn(simple.outline, mask.shape) != mask
    assert differ.sum() <= 2 * np.pi * radius * simplify + 4


def test_what_would_shrink_to_a_line_stays_exact():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    (region,) = regions(mask, 0, 5)
    np.testing.assert_array_equal(drawn(region.outline, mask.shape), mask)


def test_coco_numbers_images_and_annotations():
    mask = np.array([[1, 0, 1]], bool)
    annotations = [coco_annotation(region) for region in regions(mask, 1)]
    picture = {"width": 3, "height": 1, "annotations": annotations}
    content = coco([{**picture, "file_name": "a.png"}, {**picture, "file_name": "b.png"}], ["sky", "road"])
    assert [image["id"] for image in content["images"]] == [1, 2]
    assert [(a["id"], a["image_id"]) for a in content["annotations"]] == [(1, 1), (2, 1), (3, 2), (4, 2)]
    assert content["categories"] == [{"id": 0, "name": "sky"}, {"id": 1, "name": "road"}]
    assert {len(points) % 2 for a in content["annotations"] for points in a["segmentation"]} == {0}
