"""Sliding windows, scales and flips, and the way back to the picture's size."""

import pytest
import torch
import torch.nn.functional as F
from conftest import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from parity.inference import Toy, cases
from segwright.engine.inference import Procedure, infer, restore
from segwright.errors import ConfigError
from segwright.types import Cropped, Flipped, Padded, Resized, Size, Warped


def toy() -> Toy:
    generator = torch.Generator().manual_seed(3)
    return Toy(torch.randn(4, 3, 3, 3, generator=generator), torch.randn(4, generator=generator))


class PerPixel(nn.Module):
    """Scores that depend on nothing but their own pixel: windows and flips must change nothing."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [torch.cat([image, image.square()], dim=1)]


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    window=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    share=st.tuples(st.floats(0.1, 1), st.floats(0.1, 1)),
)
@settings(max_examples=60, deadline=None)
def test_windows_cover_every_pixel_whatever_the_sizes(height, width, window, share):
    stride = [max(1, int(side * part)) for side, part in zip(window, share, strict=True)]
    procedure = Procedure.from_flags(is_slide=True, crop_size=window, stride=stride)
    image = torch.randn(1, 3, height, width)
    logits = infer(PerPixel(), image, (), procedure)
    torch.testing.assert_close(logits, PerPixel()(image)[0])


def test_flips_of_a_per_pixel_model_change_nothing():
    procedure = Procedure.from_flags(augment=True, flip_horizontal=True, flip_vertical=True)
    image = torch.randn(1, 3, 9, 13)
    torch.testing.assert_close(infer(PerPixel(), image, (), procedure), PerPixel()(image)[0])
    assert len(list(procedure.flips())) == 4


def test_scales_average_logits_resized_to_the_picture():
    image, model = torch.randn(1, 3, 24, 33), toy()
    larger = F.interpolate(image, (36, 50), mode="bilinear", align_corners=False)  # int(33 * 1.5 + 0.5) = 50
    back = F.interpolate(model(larger)[0], (24, 33), mode="bilinear", align_corners=False)
    logits = infer(model, image, (), Procedure.from_flags(augment=True, scales=[1.0, 1.5]))
    torch.testing.assert_close(logits, (model(image)[0] + back) / 2)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"scales": [0.5]}, "do nothing without --aug_eval"),
        ({"flip_horizontal": True}, "do nothing without --aug_eval"),
        ({"crop_size": [8, 8]}, "do nothing without --is_slide"),
        ({"is_slide": True}, "needs --crop_size WIDTH HEIGHT"),
        (
            {"is_slide": True, "crop_size": [8, 4], "stride": [8, 8]},
            "a stride of 8x8 leaves gaps between windows of 8x4",
        ),
        ({"augment": True, "scales": [0.0]}, "scales must be above 0"),
    ],
)
def test_flags_without_effect_or_sense_are_errors(flags, message):
    with pytest.raises(ConfigError, match=message):
        Procedure.from_flags(**flags)


def test_crop_and_stride_are_width_first():
    procedure = Procedure.from_flags(is_slide=True, crop_size=[20, 10], stride=[5, 4])
    assert procedure.window == Size(height=10, width=20)
    assert procedure.stride == Size(height=4, width=5)


def test_logits_come_back_through_every_transform():
    logits = torch.arange(24.0).view(1, 1, 4, 6)
    assert restore(logits, [Flipped("horizontal")]).equal(logits.flip(3))
    assert restore(logits, [Padded(Size(2, 3), top=1, left=2)]).equal(logits[:, :, 1:3, 2:5])
    back = restore(logits, [Cropped(Size(6, 9), top=1, left=2)])
    assert back.shape == (1, 1, 6, 9)
    assert back[:, :, 1:5, 2:8].equal(logits)
    assert back.sum() == logits.sum()
    chain = [Resized(Size(8, 12)), Padded(Size(4, 6)), Flipped("vertical")]
    assert restore(torch.randn(1, 2, 7, 9), chain).shape == (1, 2, 8, 12)
    with pytest.raises(ConfigError, match="rotated at random cannot be brought back"):
        restore(logits, [Warped(Size(8, 12))])


@pytest.mark.parametrize("case", cases(SHARED / "reference" / "inference"), ids=str)
def test_procedures_equal_the_reference(case):
    outcome = case.outcome()
    assert outcome.agrees, outcome.differences
