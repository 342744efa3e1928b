"""``segwright analyse model``: figures that can be counted by hand, and those that PaddleSeg publishes."""

import json

import pytest
import torch
from launching import launch
from torch import nn

from segwright.build import build_model
from segwright.cli.main import main
from segwright.engine.model_analysis import cost
from segwright.errors import ConfigError
from segwright.runtime import executorch_engine, openvino_engine


class Known(nn.Module):
    """A convolution, and one that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.twice = nn.Conv2d(8, 8, 1, bias=False)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """(N, 3, H, W) -> (N, 8, H, W)."""
        return [self.twice(self.twice(self.first(image)))]


def test_what_can_be_counted_by_hand():
    found = cost(Known(), (2, 3, 20, 30))
    first, twice = found.layers
    assert (first.name, first.kind, first.output_shape) == ("first", "Conv2d", (2, 8, 20, 30))
    assert first.parameters == 3 * 8 * 9 + 8
    assert first.multiply_adds == 2 * 20 * 30 * 8 * 3 * 9
    assert twice.parameters == 8 * 8
    assert twice.multiply_adds == 2 * (2 * 20 * 30 * 8 * 8)
    assert found.parameters == first.parameters + twice.parameters
    assert found.multiply_adds == first.multiply_adds + twice.multiply_adds
    size = 2 * 8 * 20 * 30 * 4
    assert found.output_bytes == 2 * size
    assert 2 * size <= found.peak_bytes <= 4 * size
    assert 0 < first.milliseconds < found.milliseconds * 10


def test_nothing_of_the_model_changes():
    model = build_model({"type": "BiSeNetV2", "num_classes": 2})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    cost(model, (1, 3, 64, 64), runs=1)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_shape_that_the_model_does_not_take():
    with pytest.raises(ConfigError, match=r"does not take an input of shape \[1, 4, 64, 64\]"):
        cost(Known(), (1, 4, 64, 64))


def test_the_command_prints_a_table_and_writes_all_layers(toy_config, tmp_path):
    file = tmp_path / "cost.json"
    shape = ("--input_shape", 1, 3, 64, 96)
    code, text = launch("analyse", "model", "--config", toy_config("BiSeNetV2"), *shape, "--layers", 3, "--json", file)
    assert code == 0, text
    assert text.startswith("BiSeNetV2, input 1x3x64x96\nparameters      2.")  # and no notes of the profiler before
    assert "The 3 slowest of" in text
    found = json.loads(file.read_text())
    assert found["input_shape"] == [1, 3, 64, 96]
    assert sum(layer["multiply_adds"] for layer in found["layers"]) == found["multiply_adds"]
    assert all(layer["name"] and layer["milliseconds"] >= 0 for layer in found["layers"])


def analyse(config, tmp_path, capsys, *words):
    """The command in this process; returns the exit code, what it said, and the figures."""
    file, shape = tmp_path / "cost.json", ("--input_shape", 1, 3, 32, 48)
    given = ("--config", config, *shape, "--json", file, "--device", "cpu", "--cpu_threads", 1, *words)
    code = main(["analyse", "model", *map(str, given)])
    said = capsys.readouterr()
    text = " ".join((said.out + said.err).split())
    return code, text, json.loads(file.read_text()) if file.exists() else None


@pytest.mark.usefixtures("one_thread")
def test_engines_are_compared_as_a_whole_and_by_blocks(toy_config, tmp_path, capsys):
    config = toy_config("ToyNet", "[1, 1]")
    code, text, found = analyse(config, tmp_path, capsys, "--engines", "torch", "onnxruntime", "openvino")
    assert code == 0, text
    assert text.index("A forward pass, --cpu_threads 1") < text.index("Milliseconds of the 3 blocks")
    assert [engine["name"] for engine in found["engines"]] == ["torch", "onnxruntime", "openvino"]
    assert all(engine["milliseconds"] > 0 for engine in found["engines"])
    assert found["engines"][0]["milliseconds"] == found["milliseconds"]
    assert found["threads"] == 1
    own, stem, added = found["blocks"]
    assert (own["name"], stem["name"], added["kind"]) == ("", "stem", "added by the engine")
    assert set(stem["milliseconds"]) == set(own["milliseconds"]) == {"torch", "onnxruntime", "openvino"}
    for engine in found["engines"][1:]:
        layers = sum(layer["milliseconds"] for layer in engine["layers"])
        blocks = sum(block["milliseconds"].get(engine["name"], 0) for block in found["blocks"])
        assert layers == pytest.approx(blocks)


@pytest.mark.usefixtures("one_thread")
def test_engines_that_are_not_installed(toy_config, tmp_path, capsys, monkeypatch):
    config = toy_config("ToyNet", "[1, 1]")
    for engine in (openvino_engine, executorch_engine):
        monkeypatch.setattr(engine, "is_installed", lambda: False)
    code, text, found = analyse(config, tmp_path, capsys, "--engines", "openvino")
    assert (code, found) == (2, None)
    assert "engine openvino needs a library that is not installed; run: pip install 'segwright[openvino]'" in text
    code, text, found = analyse(config, tmp_path, capsys, "--engines", "all")
    assert code == 0
    assert "executorch is left out: engine executorch needs a library" in text
    assert [engine["name"] for engine in found["engines"]] == ["torch", "onnxruntime"]


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_an_engine_that_does_not_tell_of_its_layers(toy_config, tmp_path, capsys):
    pytest.importorskip("executorch", reason="ExecuTorch is not installed")
    code, text, found = analyse(toy_config("ToyNet", "[1, 1]"), tmp_path, capsys, "--engines", "executorch")
    assert code == 0, text
    assert "does not tell the times of its layers" in text
    assert found["engines"][1]["layers"] is None
