"""Bilinear resizing to a size or to a tensor's size."""

import numpy as np
import pytest
import torch

from segwright.layers import resize_to


def test_takes_a_tensor_or_a_size():
    x = torch.randn(1, 2, 3, 4)
    like = torch.zeros(5, 7, 9)
    torch.testing.assert_close(resize_to(x, like), resize_to(x, (7, 9)))
    assert resize_to(x, like).shape == (1, 2, 7, 9)


def test_align_corners_keeps_the_corner_pixels():
    x = torch.tensor([[0.0, 1.0], [2.0, 3.0]])[None, None]
    aligned = resize_to(x, (2, 3), align_corners=True)
    half_pixel = resize_to(x, (2, 4))
    assert aligned[0, 0].tolist() == [[0, 0.5, 1], [2, 2.5, 3]]
    assert half_pixel[0, 0, 0].tolist() == [0, 0.25, 0.75, 1]


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(13, 17), (4, 5), (7, 20)])
def test_equals_paddle(shared, size, align_corners):
    data = np.load(shared / "reference/inference/data.npz")
    expected = data[f"interp_bilinear_ac{int(align_corners)}_am0_{size[0]}x{size[1]}"]
    output = resize_to(torch.from_numpy(data["feat"]), size, align_corners)
    np.testing.assert_allclose(output.numpy(), expected, rtol=1e-5, atol=1e-5)
