"""What deploy/edge refuses: damaged exports, missing cameras, pictures that cannot be used. Always one paragraph."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from edge_programs import run
from errors import EdgeError
from PIL import Image
from segmenter import Segmenter
from small_net import export_small, picture

from segwright.bundle import file_hash


def change(bundle: Path, key: str, value: object) -> None:
    content = yaml.safe_load((bundle / "deploy.yaml").read_text())
    (content["Deploy"] if key in content["Deploy"] else content)[key] = value
    (bundle / "deploy.yaml").write_text(yaml.safe_dump(content))


def spoil_model(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes()[:-1])


def exchange_model(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes(b"no model")
    files = yaml.safe_load((bundle / "deploy.yaml").read_text())["files"]
    digest = file_hash(bundle / "model.onnx")
    change(bundle, "files", [{**file, "sha256": digest} if file["path"] == "model.onnx" else file for file in files])


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (spoil_model, "SHA-256"),
        (exchange_model, "onnxruntime cannot load"),
        (lambda folder: (folder / "model.onnx").unlink(), "model.onnx, which is missing"),
        (lambda folder: (folder / "deploy.yaml").unlink(), "does not exist; 'segwright export' writes it"),
        (lambda folder: (folder / "deploy.yaml").write_text("a: [1"), "cannot be read"),
        (lambda folder: (folder / "deploy.yaml").write_text("Deploy: 3"), "is not the deploy.yaml"),
        (lambda folder: change(folder, "schema", 9), "layout 9"),
        (lambda folder: change(folder, "model", "../model.onnx"), "no checksum"),
        (lambda folder: change(folder, "files", [{"path": "../x", "sha256": ""}]), "checksum|only files inside"),
        (lambda folder: change(folder, "palette", [[0, 0, 300]]), "edited or damaged"),
        (lambda folder: change(folder, "img_channels", 4), "takes 4 channels"),
        (lambda folder: change(folder, "format", "torch"), "format torch is not read here"),
        (lambda folder: change(folder, "format", "openvino"), "use --engine openvino"),
    ],
)
def test_damaged_exports(bundle, damage, told):
    damage(bundle)
    with pytest.raises(EdgeError, match=told):
        Segmenter(bundle, engine="onnxruntime")


def test_what_is_missing_is_told_in_one_paragraph(exported, pictures, tmp_path):
    headless = ("--config", exported, "--headless", "--save", tmp_path / "out.mp4")
    assert "camera 77 cannot be opened" in run("camera.py", *headless, "--source", 77, code=2).stderr
    assert "nowhere.mp4 does not exist" in run("camera.py", *headless, "--source", "nowhere.mp4", code=2).stderr
    assert "is it a video?" in run("camera.py", *headless, "--source", exported / "deploy.yaml", code=2).stderr
    assert "do not fit into one video" in run("camera.py", *headless, "--source", pictures, code=2).stderr
    assert "belong together" in run("camera.py", "--config", exported, "--headless", code=2).stderr

    shutil.copytree(pictures, tmp_path / "some")
    whole = (pictures / "turned.jpg").read_bytes()
    (tmp_path / "some" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(np.full((9, 9), 900, np.uint16)).save(tmp_path / "some" / "deep.png")
    flags = ("--config", exported, "--image_path", tmp_path / "some", "--save_dir", tmp_path / "out")
    told = run("pictures.py", *flags, code=2).stderr
    assert "cut.jpg is no picture" in told
    assert "deep.png holds more than 8 bits" in told
    assert "2 of 12 pictures could not be predicted" in told
    assert (tmp_path / "out" / "palette.png").exists()


def test_a_picture_of_another_size(tmp_path):
    folder = export_small(tmp_path, transforms=[{"type": "Normalize"}]).folder
    with pytest.raises(EdgeError, match="exported for 72x56 only"):
        Segmenter(folder)(picture(57, 72))
