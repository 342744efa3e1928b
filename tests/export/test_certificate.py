"""What is left of a verification: figures to read by programs and people, and scores on data with labels."""

import json

import numpy as np
import pytest
from small_net import export_small, picture, small_net

from segwright.bundle import Preprocessing
from segwright.cli.main import main
from segwright.datasets import Dataset
from segwright.errors import ExportError
from segwright.export import certificate, dataset_scores
from segwright.images import default_palette, write_image, write_label_map
from segwright.runtime import load
from segwright.transforms import Normalize, Resize


@pytest.fixture
def data(tmp_path):
    """Three labelled pictures; returns the data set."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(3):
        write_image(tmp_path / f"data/{number}.png", picture(60, 80, number))
        write_label_map(
            tmp_path / f"data/{number}_label.png", rng.integers(0, 4, (60, 80), np.uint8), default_palette(4)
        )
        lines.append(f"{number}.png {number}_label.png\n")
    (tmp_path / "data/val.txt").write_text("".join(lines))
    options = {"num_classes": 4, "mode": "val", "transforms": [Resize([72, 56]), Normalize()]}
    return Dataset(dataset_root=str(tmp_path / "data"), val_path="val.txt", **options)


def test_the_figures_are_those_of_the_verification(tmp_path):
    bundle = export_small(tmp_path)
    found = json.loads((tmp_path / "certificate.json").read_text())
    assert found["passed"] is True
    assert found["logit_difference"] == bundle.verification.logit_difference <= found["tolerance"]
    assert [one["shape"] for one in found["inputs"]] == [[1, 3, 56, 72]] * 2
    assert found["pixels"] == sum(one["pixels"] for one in found["inputs"]) == 2 * 56 * 72
    assert found["scores"] is None
    assert "ONNX Runtime" in found["environment"]["Engine"]
    page = (tmp_path / "certificate.html").read_text()
    assert page.count("<img") == 8  # two pictures
    assert "SmallNet as ONNX" in page
    assert "http" not in page.replace("http-equiv", "")
    assert {"certificate.json", "certificate.html"} <= set(load(tmp_path).manifest.files)


@pytest.mark.parametrize("picture_input", [False, True])
def test_scores_on_data_are_those_of_the_model(tmp_path, data, picture_input):
    shape = None if picture_input else (1, 3, 56, 72)
    bundle = export_small(tmp_path / "out", dataset=data, picture_input=picture_input, input_shape=shape)
    found = json.loads((tmp_path / "out/certificate.json").read_text())["scores"]
    assert found["pictures"] == bundle.scores.pictures == 3
    assert found["model"]["class_iou"] == pytest.approx(found["export"]["class_iou"], abs=1e-3)
    assert "IoU of tree" in (tmp_path / "out/certificate.html").read_text()
    assert export_small(tmp_path / "two", dataset=data, count=2).scores.pictures == 2


def test_other_scores_leave_nothing(tmp_path, data, monkeypatch):
    """A bundle whose labels went wrong where no test picture shows it."""
    real = dataset_scores.label_map
    calls = iter(range(100))
    monkeypatch.setattr(dataset_scores, "label_map", lambda *args: real(*args) if next(calls) < 3 else real(*args) * 0)
    with pytest.raises(ExportError, match=r"mIoU .* the exported file .* nothing was written"):
        export_small(tmp_path / "out", dataset=data)
    assert not list((tmp_path / "out").iterdir())


def test_without_jinja_the_figures_are_there(tmp_path, monkeypatch, caplog):
    def missing(*_: object) -> None:
        raise certificate.MissingExtraError("The report page", extra="report")

    monkeypatch.setattr(certificate, "write_certificate", missing)
    export_small(tmp_path)
    assert (tmp_path / "certificate.json").exists()
    assert not (tmp_path / "certificate.html").exists()
    assert "segwright[report]" in caplog.text
    assert load(tmp_path)(picture(20, 30, 1)).shape == (20, 30)


def test_the_command_scores_and_says_so(tmp_path, toy_config, capfd):
    import torch

    from segwright.registry import MODELS

    torch.manual_seed(0)
    torch.save(MODELS["ToyNet"](num_classes=2).state_dict(), tmp_path / "toy.pth")
    config = toy_config("ToyNet", coef="[1, 1]")
    words = ["export", "--config", config, "--model_path", tmp_path / "toy.pth", "--save_dir", tmp_path / "out"]
    assert main([*map(str, words), "--verify_dataset", "2"]) == 0
    assert "on 2 pictures the model has mIoU" in capfd.readouterr().out
    assert Preprocessing(load(tmp_path / "out").manifest.transforms).blocks
    assert small_net().training
