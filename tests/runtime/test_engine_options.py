"""Wishes that ONNX Runtime cannot meet end in an error that says what would."""

import pytest

from segwright.errors import ConfigError
from segwright.runtime import EngineOptions
from segwright.runtime.onnxruntime_engine import providers

CPU = ["CPUExecutionProvider"]
GPU = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


def test_defaults_run_anywhere():
    assert providers(EngineOptions(), CPU) == CPU
    assert 1 <= EngineOptions().threads <= 10
    assert EngineOptions(cpu_threads=64).threads == 64


@pytest.mark.parametrize(
    ("wishes", "remedy"),
    [
        ({"use_trt": True}, "--device gpu"),
        ({"min_subgraph_size": 5}, "--use_trt"),
        ({"enable_mkldnn": True, "device": "gpu"}, "--device cpu"),
        ({"cpu_threads": 0}, "at least 1"),
        ({"min_subgraph_size": 0}, "at least 1"),
    ],
)
def test_contradictions(wishes, remedy):
    with pytest.raises(ConfigError, match=remedy):
        EngineOptions(**wishes)


@pytest.mark.parametrize(
    ("wishes", "remedy"),
    [
        ({"device": "gpu"}, "onnxruntime-gpu"),
        ({"device": "gpu", "use_trt": True}, "TensorRT"),
        ({"enable_mkldnn": True}, "built with oneDNN.*--engine openvino"),
    ],
)
def test_missing_engine_says_what_to_install_and_what_there_is(wishes, remedy):
    with pytest.raises(ConfigError, match=f"{remedy}.*this ONNX Runtime has: CPUExecutionProvider"):
        providers(EngineOptions(**wishes), CPU)


def test_engines_are_asked_for_in_order():
    assert providers(EngineOptions(device="gpu"), GPU) == ["CUDAExecutionProvider", *CPU]
    trt = providers(EngineOptions(device="gpu", use_trt=True, precision="fp16", min_subgraph_size=7), GPU)
    assert trt == [
        ("TensorrtExecutionProvider", {"trt_min_subgraph_size": 7, "trt_fp16_enable": True}),
        "CUDAExecutionProvider",
        *CPU,
    ]
    assert providers(EngineOptions(enable_mkldnn=True), ["DnnlExecutionProvider", *CPU])[0] == "DnnlExecutionProvider"
