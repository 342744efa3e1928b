"""Pictures predicted tile by tile: the label map that the same windows give in memory, within the memory announced."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_net import picture, small_net
from torch import Tensor, nn

from segwright.engine.answer import Colours
from segwright.engine.inference import Procedure, decide
from segwright.engine.segmenter import Segmenter
from segwright.engine.tiles_predict import predict_large
from segwright.errors import ConfigError, DataError
from segwright.images import default_palette, large, large_png, read_image, read_label, write_image
from segwright.images.large_write import label_rows
from segwright.transforms import Normalize, Padding, RandomDistort, Resize, ReverseChannels
from segwright.types import Size

SLIDING = Procedure.from_flags(is_slide=True, crop_size=[32, 24], stride=[20, 16])
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def model() -> nn.Module:
    """Its logits depend on the whole window, so that it matters where windows lie."""
    return small_net()


def sliding(model: nn.Module, procedure: Procedure = SLIDING, transforms: Sequence[Any] = (Normalize(),)) -> Segmenter:
    """Predicts in windows."""
    return Segmenter(model, list(transforms), procedure, "cpu")


def in_memory(segmenter: Segmenter, path: Path) -> np.ndarray:
    """(H, W) ids of the ordinary sliding window."""
    with segmenter.ready():
        return segmenter.answer(segmenter.prepare(read_image(path)), decide)[0].numpy()


sides = st.integers(8, 40)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    window=st.tuples(sides, sides),
    step=st.tuples(st.floats(0.3, 1), st.floats(0.3, 1)),
    blend=st.sampled_from(("uniform", "gaussian")),
    batch_pixels=st.sampled_from((1, 1500, 5000)),
    piece_pixels=st.sampled_from((100, 1000, 100_000)),
)
def test_label_map_is_that_of_the_windows_in_memory(
    tmp_path_factory, model, monkeypatch, size, window, step, blend, batch_pixels, piece_pixels
):
    monkeypatch.setattr(large_png, "PIECE_PIXELS", piece_pixels)
    folder = tmp_path_factory.mktemp("tiles")
    write_image(folder / "a.png", picture(*size))
    stride = Size(*(max(1, int(part * side)) for part, side in zip(step, window, strict=True)))
    procedure = Procedure(window=Size(*window), stride=stride, blend=blend, batch_pixels=batch_pixels)
    segmenter = sliding(model, procedure)
    label = predict_large(segmenter, folder / "a.png", folder / "b.png")
    found, expected = read_label(label), in_memory(segmenter, folder / "a.png")
    assert (found != expected).mean() < 1e-3  # sums in another order differ in their last bits: a tie may be broken so


def test_channels_are_turned_around_for_each_window(tmp_path, model):
    segmenter = sliding(model, transforms=(Normalize(), ReverseChannels()))
    write_image(tmp_path / "a.png", picture(50, 60))
    label = predict_large(segmenter, tmp_path / "a.png", tmp_path / "b.png")
    np.testing.assert_array_equal(read_label(label), in_memory(segmenter, tmp_path / "a.png"))


def test_r21_a_tiff_gives_a_tiff_at_the_same_place(tmp_path, model):
    rasterio = pytest.importorskip("rasterio")
    place = {"crs": "EPSG:25832", "transform": rasterio.Affine(0.5, 0, 700_000, 0, -0.5, 5_700_000)}
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", height=90, width=70, count=3, dtype="uint8", photometric="rgb", **place
    ) as target:
        target.write(picture(90, 70).transpose(2, 0, 1))
    label = predict_large(sliding(model), tmp_path / "a.tif", tmp_path / "b.png")
    assert label == tmp_path / "b.tif"
    np.testing.assert_array_equal(read_label(label), in_memory(sliding(model), tmp_path / "a.tif"))
    with rasterio.open(label) as written:
        assert {"crs": written.crs, "transform": written.transform} == place | {"crs": rasterio.CRS.from_epsg(25832)}


@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (5000, 3), (24, 32)])
def test_r21_any_shape_is_predicted_and_its_memory_said_before(tmp_path, model, caplog, size):
    write_image(tmp_path / "a.png", picture(*size))
    with caplog.at_level(logging.INFO, "segwright"):
        label = predict_large(sliding(model), tmp_path / "a.png", tmp_path / "b.png")
    assert read_label(label).shape == size
    assert re.search(rf"{size[1]}x{size[0]} pixels, \d+ windows of .* needs at most \d\.\d\d GiB", caplog.text)


def test_overlay_is_reduced(tmp_path, monkeypatch, model):
    from segwright.engine import tiles_predict

    monkeypatch.setattr(tiles_predict, "OVERVIEW", 40)
    monkeypatch.setattr(tiles_predict, "PIECE", 7)
    write_image(tmp_path / "a.png", np.full((115, 70, 3), 200, np.uint8))
    colours = Colours([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)])
    label = predict_large(
        sliding(model), tmp_path / "a.png", tmp_path / "b.png", colours=colours, overlay_path=tmp_path / "c.png"
    )
    expected = np.round(0.6 * 200 + 0.4 * np.array(colours.palette)[read_label(label)[::3, ::3]])
    np.testing.assert_array_equal(read_image(tmp_path / "c.png"), expected)


class Hungry(nn.Module):
    """Has memory for windows of a size, or of none."""

    def __init__(self, model: nn.Module, most: int) -> None:
        super().__init__()
        self.model, self.most = model, most

    def forward(self, image: Tensor) -> list[Tensor]:
        """As the model, or out of memory."""
        if image.shape[2] > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        return self.model(image)


def test_windows_are_halved_when_memory_runs_out(tmp_path, model, caplog):
    write_image(tmp_path / "a.png", picture(500, 700))
    asked = Procedure.from_flags(is_slide=True, crop_size=[512, 320], stride=[512, 160])
    label = predict_large(sliding(Hungry(model, 200), asked), tmp_path / "a.png", tmp_path / "b.png")
    halved = Procedure.from_flags(is_slide=True, crop_size=[256, 160], stride=[256, 80])
    np.testing.assert_array_equal(read_label(label), in_memory(sliding(model, halved), tmp_path / "a.png"))
    assert "starting again with windows of 256x160" in caplog.text
    (tmp_path / "b.png").unlink()
    with pytest.raises(ConfigError, match=r"memory ran out .* in windows of 256x160; what helps"):
        predict_large(sliding(Hungry(model, 0), asked), tmp_path / "a.png", tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize("transform", [Resize(target_size=[32, 32]), Padding(target_size=[64, 64]), RandomDistort()])
def test_transforms_that_need_the_whole_picture_are_refused(tmp_path, model, transform):
    segmenter = sliding(model, transforms=(transform, Normalize()))
    with pytest.raises(ConfigError, match=f"{type(transform).__name__} looks at the picture as a whole"):
        predict_large(segmenter, tmp_path / "a.png", tmp_path / "b.png")


@pytest.mark.parametrize(
    "flags", [{}, {"augment": True, "flip_horizontal": True, "is_slide": True, "crop_size": [32, 32]}]
)
def test_other_procedures_are_refused(tmp_path, model, flags):
    segmenter = sliding(model, Procedure.from_flags(**flags))
    with pytest.raises(ConfigError, match="--is_slide with --crop_size, neither scales nor flips"):
        predict_large(segmenter, tmp_path / "a.png", tmp_path / "b.png")


@pytest.mark.parametrize("missing", [1, 12, 5000])
def test_nothing_is_left_of_a_picture_that_is_cut(tmp_path, model, missing):
    write_image(tmp_path / "a.png", picture(90, 80))
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-missing])
    with pytest.raises(DataError, match="cut short"):
        predict_large(
            sliding(model), tmp_path / "a.png", tmp_path / "out" / "b.png", overlay_path=tmp_path / "out" / "c.png"
        )
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
def test_r21_a_picture_of_900_million_pixels_takes_less_than_2_gb(tmp_path):
    side, square = 30_000, 40
    palette = [tuple(map(int, colour)) for colour in np.random.default_rng(0).integers(0, 256, (200, 3))]
    coarse = np.random.default_rng(1).integers(0, 200, (25, side // square), np.uint8)
    rows = np.kron(coarse, np.ones((square, square), np.uint8))
    with label_rows(tmp_path / "a.png", Size(side, side), palette) as write:
        for _ in range(side // len(rows)):
            write(rows)
    label = tmp_path / "label.png"
    command = [sys.executable, HERE / "large_run.py", tmp_path / "a.png", label]
    took = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert took["peak"] < 2e9
    announced = float(re.search(r"at most ([\d.]+) GiB", took["said"]).group(1))
    assert took["peak"] - took["before"] < announced * 2**30
    with large.open_large(label) as picture:
        first = next(picture.pieces)
    brightest = np.array(palette).argmax(axis=1)[rows[: len(first)]]
    np.testing.assert_array_equal(first, np.array(default_palette(4), np.uint8)[brightest])
    assert read_image(tmp_path / "overlay.png").shape == (3750, 3750, 3)
