"""Sliding windows, scales and flips, and the way back to the picture's size."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from toy_data import SHARED

from parity.inference import Toy, cases
from segwright.engine.inference import Procedure, infer, restore
from segwright.engine.windows import window_weights
from segwright.errors import ConfigError
from segwright.types import Cropped, Flipped, Padded, Resized, Size, Warped


def toy() -> Toy:
    generator = torch.Generator().manual_seed(3)
    return Toy(torch.randn(4, 3, 3, 3, generator=generator), torch.randn(4, generator=generator))


class PerPixel(nn.Module):
    """Scores that depend on nothing but their own pixel: windows and flips must change nothing."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [torch.cat([image, image.square()], dim=1)]


class Watched(nn.Module):
    """A model that notes the shapes it is given."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        self.shapes.append(tuple(image.shape))
        return self.model(image)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    window=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    share=st.tuples(st.floats(0.1, 0.99), st.floats(0.1, 1)),
    blend=st.sampled_from(["uniform", "gaussian"]),
    batch_pixels=st.sampled_from([1, 200, 3000]),
    num=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_windows_cover_every_pixel_whatever_the_sizes(height, width, window, share, blend, batch_pixels, num):
    """A fixed function of each pixel gives the same logits window by window as on the whole."""
    stride = [max(1, int(side * part)) for side, part in zip(window, share, strict=True)]
    procedure = Procedure.from_flags(
        is_slide=True,
        crop_size=window,
        stride=stride,
        blend="uniform" if tuple(stride) == window else blend,
        batch_pixels=batch_pixels,
    )
    image = torch.randn(num, 3, height, width)
    model = Watched(PerPixel())
    logits = infer(model, image, (), procedure)
    torch.testing.assert_close(logits, PerPixel()(image)[0])
    size = min(window[1], height), min(window[0], width)
    assert {shape[2:] for shape in model.shapes} == {size}
    assert all(shape[0] == num or shape[0] * size[0] * size[1] <= batch_pixels for shape in model.shapes)


class Limited(nn.Module):
    """Has no memory for more than so many pictures at once."""

    def __init__(self, model: nn.Module, most: int, error: type[BaseException]) -> None:
        super().__init__()
        self.model, self.most, self.error = model, most, error

    def forward(self, image: Tensor) -> list[Tensor]:
        if len(image) > self.most:
            raise self.error("out of memory")
        return self.model(image)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_fewer_windows_and_flips_go_together_when_memory_runs_out(error, caplog):
    image = torch.randn(1, 3, 29, 43)
    slide = {"is_slide": True, "crop_size": [16, 12], "stride": [7, 12]}
    flags = {"augment": True, "flip_horizontal": True, "flip_vertical": True}
    for options in (slide, flags, {**flags, **slide}):
        caplog.clear()
        procedure = Procedure.from_flags(**options, batch_pixels=30_000)
        model = Watched(toy())
        logits = infer(Limited(model, 3, error), image, (), procedure)
        torch.testing.assert_close(logits, infer(toy(), image, (), procedure))
        assert "not enough memory for" in caplog.text
        assert max(shape[0] for shape in model.shapes) in (2, 3)
        with pytest.raises(error, match="out of memory"):
            infer(Limited(toy(), 0, error), image, (), procedure)
    with pytest.raises(RuntimeError, match="size of tensor"):  # another fault is not taken for this one
        infer(lambda views: [views + torch.zeros(7)], image, (), Procedure.from_flags(**slide))


@pytest.mark.parametrize("blend", ["uniform", "gaussian"])
def test_windows_and_flips_that_go_together_give_the_logits_of_one_at_a_time(blend):
    flags = {"augment": True, "scales": [0.8, 1.5], "flip_horizontal": True, "flip_vertical": True}
    slide = {"is_slide": True, "crop_size": [16, 12], "stride": [7, 12], "blend": blend}
    images = torch.randn(2, 3, 29, 43)
    for options in (flags, {**flags, **slide}, slide):
        alone, together = Watched(toy()), Watched(toy())
        expected = infer(alone, images[:1], (), Procedure.from_flags(**options, batch_pixels=1))
        logits = infer(together, images, (), Procedure.from_flags(**options, batch_pixels=30_000))
        torch.testing.assert_close(logits[:1], expected)
        assert {shape[0] for shape in alone.shapes} == {1}
        assert len(together.shapes) < len(alone.shapes) / 3


def test_a_gaussian_blend_trusts_windows_where_they_know_their_surroundings():
    """A convolution sees zeros beyond a window's border: what it says there is wrong, and its neighbour is right."""
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 5, padding=2)
    image = torch.randn(1, 3, 40, 40)
    inner = (..., slice(2, -2), slice(2, -2))
    off = {}
    for blend in ("uniform", "gaussian"):
        procedure = Procedure.from_flags(is_slide=True, crop_size=[20, 20], stride=[10, 10], blend=blend)
        with torch.inference_mode():
            slid = infer(nn.Sequential(conv, Listed()), image, (), procedure)
            off[blend] = float((slid - conv(image))[inner].abs().max())
    assert off["gaussian"] < off["uniform"] / 20


class Listed(nn.Module):
    """Wraps an output as models return it."""

    def forward(self, logits: torch.Tensor) -> list[torch.Tensor]:
        return [logits]


def test_weights_of_a_window_fall_from_its_middle_to_its_corners_and_never_reach_zero():
    weights = window_weights(Size(512, 1023), "gaussian")
    assert weights.min() > 1e-8
    assert weights.max() == weights[255, 511] == pytest.approx(1, abs=1e-3)
    assert weights.equal(weights.flip(0))
    assert weights.equal(weights.flip(1))
    assert (weights[:256].diff(dim=0) > 0).all()
    assert window_weights(Size(1, 1), "gaussian").item() == 1


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
        ({"blend": "gaussian"}, "stride and blend do nothing without --is_slide"),
        (
            {"is_slide": True, "crop_size": [8, 8], "blend": "gausian"},
            "unknown blend 'gausian'; did you mean 'gaussian'",
        ),
        ({"is_slide": True, "crop_size": [8, 8], "blend": "gaussian"}, "give a --stride smaller than --crop_size"),
        ({"batch_pixels": 9}, "batch_pixels does nothing without sliding windows or flips"),
        ({"is_slide": True, "crop_size": [8, 8], "batch_pixels": 0}, "batch_pixels is a whole number above 0"),
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
