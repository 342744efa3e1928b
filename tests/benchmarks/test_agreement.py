"""The table of agreement: a row for each engine that reads a format, and what cannot be exported named in its place."""

import json

import pytest
import torch

from benchmarks import agreement
from segwright.build import build_model
from segwright.errors import ExportError
from segwright.export.formats import WRITERS
from segwright.types import Size
from segwright.weights import save_weights


@pytest.fixture
def trained(toy_config, toy_data, tmp_path):
    """A system of a toy configuration, and a checkpoint for it."""
    system = agreement.System("Toy", str(toy_config("ToyNet", "[1, 1]")), f"{toy_data.name}/images/*.png", Size(40, 48))
    torch.manual_seed(0)
    save_weights(build_model({"type": "ToyNet", "num_classes": 2}), tmp_path / "best" / "model.safetensors")
    (tmp_path / "best" / "metrics.json").write_text(json.dumps({"iter": 8, "mIoU": 0.5, "images": 4}))
    return system, tmp_path / "best", toy_data.parent


def test_every_engine_has_a_row(trained):
    text = agreement.agreement(*trained, count=2, formats=["onnx", "torch"])
    assert "2 pictures of 48x40" in text
    assert "after 8 iterations (mIoU 0.500 on 4 pictures)" in text
    rows = text.splitlines()[4:]
    pixels = 2 * 40 * 48 + 39 * 47
    assert [row.split(" | ")[3].split()[0] for row in rows] == ["ONNX", "OpenVINO", "PyTorch"]
    assert all("any size" in row for row in rows)
    assert all(f"{pixels} of {pixels} (100.0000%)" in row for row in rows)


def test_a_file_for_one_size_where_there_is_none_for_all(trained, monkeypatch):
    write = WRITERS["onnx"]

    def fixed_only(model, folder, scratch, shape):
        if min(shape) < 0:
            raise ExportError("give --input_shape")
        return write(model, folder, scratch, shape)

    monkeypatch.setitem(WRITERS, "onnx", fixed_only)
    row = agreement.agreement(*trained, count=1, formats=["onnx"]).splitlines()[-1]
    assert "this size" in row
    assert "1920 of 1920" in row


def test_what_cannot_be_exported_is_told_in_the_table(trained, monkeypatch):
    def fail(*_):
        raise ExportError("it is too large")

    monkeypatch.setitem(WRITERS, "onnx", fail)
    assert "it is too large" in agreement.agreement(*trained, count=1, formats=["onnx"]).splitlines()[-1]


@pytest.mark.parametrize("text", ["disk=x", "disc", "disc=", "=x"])
def test_a_run_names_a_system_and_a_checkpoint(text):
    with pytest.raises(Exception, match="want SYSTEM=CHECKPOINT"):
        agreement._run(text)
