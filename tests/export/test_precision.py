"""Exports of less than float32: what they lose is measured, bounded and told."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_net import TRANSFORMS, export_small, picture, small_net
from torch import nn

from segwright.bundle import Preprocessing, label_map
from segwright.cli.main import main
from segwright.datasets import Dataset
from segwright.errors import ConfigError, ExportError
from segwright.export import Calibration, export_model
from segwright.export.kept_layers import fewest_kept
from segwright.images import default_palette, write_image, write_label_map
from segwright.runtime import EngineOptions, load
from segwright.runtime.selftest import selftest
from segwright.transforms import Normalize, Resize


def labelled(folder, net) -> Dataset:
    """Four pictures whose labels are what ``net`` itself says."""
    preprocess, lines = Preprocessing(TRANSFORMS), []
    for number in range(4):
        image = picture(60, 80, number)
        item = preprocess(image)
        with torch.inference_mode():
            logits = net.eval()(torch.from_numpy(item.tensor[None]))[0]
        write_image(folder / f"{number}.png", image)
        label = label_map(logits.argmax(1)[0].numpy(), item.geometry).astype(np.uint8)
        write_label_map(folder / f"{number}_label.png", label, default_palette(4))
        lines.append(f"{number}.png {number}_label.png\n")
    (folder / "val.txt").write_text("".join(lines))
    options = {"num_classes": 4, "mode": "val", "transforms": [Resize([72, 56]), Normalize()]}
    return Dataset(dataset_root=str(folder), val_path="val.txt", **options)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return labelled(tmp_path_factory.mktemp("data"), small_net())


def calibration(**changes) -> Calibration:
    return Calibration(**{"pictures": [picture(60, 80, seed) for seed in range(6)], **changes})


@pytest.mark.parametrize(
    ("file_format", "engine"),
    [
        ("onnx", "OpenVINO"),
        ("openvino", "OpenVINO"),
        pytest.param("executorch", "ExecuTorch", marks=pytest.mark.slow),
    ],
)
def test_r63_int8_is_smaller_and_says_what_it_loses(tmp_path, data, file_format, engine):
    options = {"file_format": file_format, "precision": "int8", "calibration": calibration(), "dataset": data}
    bundle = export_small(tmp_path, **options, max_miou_loss=0.05)
    found = json.loads((tmp_path / "certificate.json").read_text())
    assert found["precision"] == "int8"
    assert found["tolerance"] is None
    assert found["different"] == bundle.verification.different
    assert found["quantised"]["pictures"] == 6
    assert found["quantised"]["layers"] > len(found["quantised"]["kept"])
    assert "Layers in int8" in (tmp_path / "certificate.html").read_text()

    predictor = load(tmp_path)  # on the engine that is faster with integers
    assert predictor.engine.title.startswith(engine)
    assert found["environment"]["Engine"] == predictor.engine.title
    manifest = predictor.manifest
    assert manifest.precision == "int8"
    assert manifest.miou_loss == pytest.approx(bundle.scores.loss, abs=1e-6)
    assert manifest.miou_loss <= 0.05
    graph = bundle.model.read_bytes().decode("latin-1")
    marks = {"onnx": ["QuantizeLinear"], "openvino": ["FakeQuantize", '"u8"'], "executorch": ["Xnnpack"]}
    assert any(mark in graph for mark in marks[file_format])
    assert bundle.verification.logit_difference > 1e-3
    assert all(result.passed for result in selftest(predictor))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_r63_both_engines_pass_the_selftest(tmp_path, data, precision, engine):
    more = {"calibration": calibration(), "max_miou_loss": 0.05} if precision == "int8" else {}
    export_small(tmp_path, precision=precision, dataset=data, input_shape=None, **more)
    predictor = load(tmp_path, EngineOptions(engine=engine))
    results = selftest(predictor)
    assert all(result.passed for result in results)
    assert all(0.8 < result.wanted < 0.999 for result in results)
    assert predictor(picture(33, 47)).shape == (33, 47)
    again = load(tmp_path, EngineOptions(engine=engine, precision=precision))
    np.testing.assert_array_equal(again(picture(33, 47)), predictor(picture(33, 47)))


def test_ranges_by_entropy(tmp_path, data):
    options = {"precision": "int8", "calibration": calibration(method="entropy"), "dataset": data}
    bundle = export_small(tmp_path, **options, max_miou_loss=0.2)
    assert bundle.quantised.method == "entropy"
    assert bundle.verification.agreement > 0.8


class Uneven(nn.Module):
    """A net one of whose channels is so much larger than the others that 256 levels for all leave these none."""

    def __init__(self) -> None:
        super().__init__()
        net = small_net()
        self.stem, self.deep, self.head = net.stem, net.deep, net.head
        self.mixed = nn.Conv2d(8, 8, 1, bias=False)
        self.restored = nn.Conv2d(8, 8, 1, bias=False)
        with torch.no_grad():
            scales = torch.tensor([1e5, *[1.0] * 7])
            self.mixed.weight.copy_(torch.diag(scales)[:, :, None, None])
            self.restored.weight.copy_(torch.diag(1 / scales)[:, :, None, None])

    def forward(self, image):
        fine = self.stem(image)
        even = self.restored(self.mixed(fine))
        deep = nn.functional.interpolate(self.deep(even), even.shape[-2:])
        logits = self.head(torch.cat([even, deep], dim=1))
        return [nn.functional.interpolate(logits, image.shape[-2:], mode="bilinear")]


def test_layers_that_lose_accuracy_stay_in_float32(tmp_path, caplog):
    caplog.set_level("INFO", "segwright")
    net = Uneven().eval()
    (tmp_path / "data").mkdir()
    options = {
        "transforms": TRANSFORMS,
        "num_classes": 4,
        "input_shape": (1, 3, 56, 72),
        "precision": "int8",
        "calibration": calibration(method="minmax"),
        "dataset": labelled(tmp_path / "data", net),
    }
    bundle = export_model(net, tmp_path / "out", **options, max_miou_loss=0.03)
    assert bundle.scores.loss <= 0.03
    assert 0 < len(bundle.quantised.kept) < bundle.quantised.layers
    assert "0 of " in caplog.text

    options["calibration"] = calibration(method="minmax")
    loose = export_model(net, tmp_path / "loose", **options, max_miou_loss=1)
    assert loose.quantised.kept == ()
    assert loose.scores.loss > 0.03


@pytest.mark.slow
def test_layers_whose_scales_xnnpack_refuses_stay_in_float32(tmp_path, caplog):
    caplog.set_level("INFO", "segwright")
    net = Uneven().eval()
    bundle = export_model(
        net,
        tmp_path / "out",
        transforms=TRANSFORMS,
        num_classes=4,
        input_shape=(1, 3, 56, 72),
        file_format="executorch",
        precision="int8",
        calibration=calibration(method="minmax"),
        dataset=labelled(tmp_path, net),
        max_miou_loss=0.03,
    )
    assert "0 of 6 layers in float32: ExecuTorch cannot load" in caplog.text
    assert bundle.scores.loss <= 0.03
    assert bundle.quantised.kept[0].startswith("restored/")
    assert 0 < len(bundle.quantised.kept) < bundle.quantised.layers


def test_nothing_is_written_where_int8_cannot_keep_the_score(tmp_path, data):
    with pytest.raises(ExportError, match=r"falls by more than -100 points unless every layer .*--max_miou_loss"):
        export_small(tmp_path, precision="int8", calibration=calibration(), dataset=data, max_miou_loss=-1)
    assert not list(tmp_path.iterdir())


@given(st.integers(1, 60), st.data())
def test_the_fewest_layers_are_kept(total, data):
    wanted = data.draw(st.integers(1, total))
    layers, measured = [str(number) for number in range(total)], []

    def loss(kept):
        measured.append(len(kept))
        return 1.0 if len(kept) < wanted else 0.0

    assert len(fewest_kept(loss, layers, 0.5)) == wanted
    assert len(measured) <= 2 * np.log2(total + 1) + 2


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.floats(0, 1))
def test_whatever_the_loss_what_is_returned_was_measured(losses, most):
    layers = [str(number) for number in range(len(losses) - 1)]
    kept = fewest_kept(lambda names: losses[len(names)], layers, most)
    assert len(kept) == len(layers) or losses[len(kept)] <= most


def test_half_precision_halves_the_file(tmp_path):
    wide = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 256, 3, padding=1), nn.Conv2d(256, 4, 1)
    )

    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = wide

        def forward(self, image):
            return [self.layers(image)]

    options = {"transforms": TRANSFORMS, "num_classes": 4, "input_shape": (1, 3, 56, 72)}
    for file_format in ("onnx", "openvino"):
        sizes = []
        for precision in ("fp32", "fp16"):
            folder = tmp_path / f"{file_format}_{precision}"
            export_model(Wide().eval(), folder, file_format=file_format, precision=precision, **options)
            sizes.append(sum(file.stat().st_size for file in folder.glob("model.*")))
        assert all(0.4 < after / before < 0.6 for before, after in pairwise(sizes))

    with torch.no_grad():
        wide[0].weight[0, 0] = 1e5
    with pytest.raises(ExportError, match="65504"):
        export_model(Wide().eval(), tmp_path / "large", precision="fp16", **options)


@pytest.mark.parametrize(
    ("file_format", "precision", "remedy"),
    [
        ("torch", "fp16", "--format onnx or openvino, or"),
        ("executorch", "fp16", "--format onnx or openvino, or"),
        ("torch", "int8", "--format onnx or openvino or executorch"),
    ],
)
def test_formats_that_are_not_written_so(tmp_path, file_format, precision, remedy):
    with pytest.raises(ConfigError, match=remedy):
        export_small(tmp_path, file_format=file_format, precision=precision)


def test_ranges_that_executorch_does_not_have(tmp_path, data):
    options = {"file_format": "executorch", "precision": "int8", "dataset": data}
    with pytest.raises(ConfigError, match="percentile and minmax"):
        export_small(tmp_path, **options, calibration=calibration(method="entropy"))
    with pytest.raises(ConfigError, match="there are none"):
        export_small(tmp_path, **options, calibration=calibration(pictures=[]))


def test_int8_wants_pictures_labels_and_their_size(tmp_path, data):
    with pytest.raises(ConfigError, match="calibration pictures belong together"):
        export_small(tmp_path, precision="int8", dataset=data)
    with pytest.raises(ConfigError, match="data with labels"):
        export_small(tmp_path, precision="int8", calibration=calibration())
    with pytest.raises(ConfigError, match="there are none"):
        export_small(tmp_path, precision="int8", calibration=calibration(pictures=[]), dataset=data)
    with pytest.raises(ConfigError, match="percentile"):
        export_small(tmp_path, precision="int8", calibration=calibration(method="percentil"), dataset=data)
    transforms = [{"type": "Normalize"}]
    with pytest.raises(ExportError, match=r"calibration picture 1 is 80x60 .* height 56 and width 72"):
        export_small(tmp_path, precision="int8", calibration=calibration(), dataset=data, transforms=transforms)


@pytest.mark.parametrize(
    ("flags", "remedy"),
    [
        (["--max_miou_loss", "1"], "speaks of --precision int8 and fp16"),
        (["--precision", "fp16", "--max_miou_loss", "1"], "add that, or leave it out"),
        (["--precision", "fp16", "--calibration_method", "entropy"], "speaks of --precision int8"),
    ],
)
def test_flags_that_would_do_nothing_are_refused(tmp_path, capsys, flags, remedy):
    (tmp_path / "model.yml").write_text("model: {type: FCN, num_classes: 2, backbone: {type: HRNet_W18}}\n")
    assert main(["export", "--config", str(tmp_path / "model.yml"), *flags]) != 0
    assert remedy in " ".join(capsys.readouterr().err.split())
