"""Times of layers as engines tell them, by the names of the exported graph."""

import numpy as np
import pytest
from small_net import small_net

from segwright.errors import ConfigError, ExportError, MissingExtraError
from segwright.export.deployed import Deployed
from segwright.export.onnx import write_onnx
from segwright.runtime import EngineOptions, openvino_engine
from segwright.runtime.engines import layer_times, require
from segwright.runtime.turns import take_turns

BATCH = np.zeros((1, 3, 56, 72), np.float32)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    write_onnx(Deployed(small_net(), "none"), path, (1, 3, 56, 72))
    return path


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_each_layer_tells_its_time_and_its_modules(graph, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = layer_times(graph, "onnx", EngineOptions(engine=engine, cpu_threads=1), BATCH)
    assert all(layer.milliseconds >= 0 and layer.kind for layer in found)
    assert sum(layer.milliseconds for layer in found) > 0
    modules = {node.partition("/")[0] for layer in found for node in layer.nodes if "/" in node}
    assert modules <= {name for name, _ in small_net().named_modules()}
    assert {module.partition(".")[0] for module in modules} == {"stem", "deep", "head", ""}
    convolutions = [layer for layer in found if "Conv" in layer.kind]
    assert len(convolutions) == 3
    assert not list(tmp_path.iterdir())  # the profiler's file is gone


def test_engines_that_do_not_tell(graph):
    assert layer_times(graph, "torch", EngineOptions(engine="torch"), BATCH) is None
    assert layer_times(graph, "executorch", EngineOptions(engine="executorch"), BATCH) is None


def test_errors_are_those_of_opening(graph):
    with pytest.raises(ConfigError, match="does not read this model"):
        layer_times(graph, "onnx", EngineOptions(engine="torch"), BATCH)
    with pytest.raises(ExportError, match=r"on an input of shape \(1, 4, 56, 72\)"):
        layer_times(graph, "onnx", EngineOptions(engine="onnxruntime"), np.zeros((1, 4, 56, 72), np.float32))


def test_a_missing_library_is_named(monkeypatch):
    require("onnxruntime")
    monkeypatch.setattr(openvino_engine, "is_installed", lambda: False)
    with pytest.raises(MissingExtraError, match=r"engine openvino .* pip install 'segwright\[openvino\]'"):
        require("openvino")


def test_sides_take_turns_and_the_first_run_of_a_turn_does_not_count():
    calls = []

    def side(name):
        def run():
            calls.append(name)
            return len(calls)

        return run

    found = take_turns({"a": side("a"), "b": side("b")}, rounds=2, repeats=2)
    assert calls == ["a"] * 3 + ["b"] * 3 + ["a"] * 3 + ["b"] * 3
    assert found == {"a": [2, 3, 8, 9], "b": [5, 6, 11, 12]}
