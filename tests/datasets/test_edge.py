"""Boundary maps, against the definition."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segwright.datasets.edge import boundary_map


def by_definition(label: np.ndarray, num_classes: int, radius: int) -> np.ndarray:
    """Class by class, every pixel with one of the other side within ``radius``; outside the picture no class is."""
    height, width = label.shape
    edge = np.zeros((1, height, width), np.uint8)
    rows, columns = np.mgrid[-1 : height + 1, -1 : width + 1]
    for value in range(num_classes):
        inside = np.pad(label == value, 1)
        if not inside.any():
            continue
        for row in range(height):
            for column in range(width):
                distance = (rows - row) ** 2 + (columns - column) ** 2
                opposite = inside != inside[row + 1, column + 1]
                edge[0, row, column] |= distance[opposite].min() <= radius**2
    return edge


@given(
    label=arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.sampled_from([0, 1, 2, 255])),
    radius=st.integers(1, 3),
)
@settings(deadline=None, max_examples=60)
def test_boundary_is_where_another_class_is_near(label, radius):
    np.testing.assert_array_equal(boundary_map(label, 3, radius), by_definition(label, 3, radius))


def test_dtypes_and_many_classes():
    label = np.zeros((9, 9), np.int64)
    label[4, 4] = 299
    edge = boundary_map(label, 300)
    assert edge.shape == (1, 9, 9)
    assert edge.dtype == np.uint8
    assert edge[0, 4].tolist() == [1] * 9
    assert edge[0, 2].tolist() == [1, 1, 0, 0, 1, 0, 0, 1, 1]
    assert not boundary_map(np.full((9, 9), 255), 3).any()
