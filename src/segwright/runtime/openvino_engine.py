"""OpenVINO (https://docs.openvino.ai): ONNX files and its own, on CPUs with the kernels of oneDNN, and Intel's GPUs."""

import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from segwright.errors import ConfigError, ExportError, MissingExtraError
from segwright.runtime.layer_times import RUNS, WARMUP, LayerTime
from segwright.runtime.options import EngineOptions

FORMATS = ("openvino", "onnx")
EXTRA = "openvino"
PARALLEL = True

PRECISIONS = {"bf16": "bf16", "fp16": "f16"}
"""What is computed in instead of float32, where a model leaves it open; a quantised one says int8 of most layers."""


def is_installed() -> bool:
    """Whether the library can be imported."""
    return find_spec("openvino") is not None


def open_engine(path: Path, options: EngineOptions, *, profile: bool = False) -> "OpenVinoEngine":
    """Compile a model for a device.

    Args:
        path: the file.
        options: how to run it.
        profile: keep the times of layers of each run.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        ConfigError: options that OpenVINO, or the device, does not have.
        ExportError: the file is no model that it reads.
    """
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("running an exported model on OpenVINO", EXTRA) from error

    if options.use_trt:
        raise ConfigError("use_trt is TensorRT's, which ONNX Runtime runs: use --engine onnxruntime, or leave it out")
    if options.compile:
        raise ConfigError("compile speaks of torch.compile: use --engine torch, or leave it out")
    core = _core()
    device = options.device.upper()
    if device not in {name.split(".")[0] for name in core.available_devices}:
        raise ConfigError(
            f"device {options.device}: OpenVINO finds {', '.join(core.available_devices)} here, and its GPU is "
            "Intel's; for NVIDIA's use --engine onnxruntime, or use --device cpu"
        )
    abilities = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    if options.precision in PRECISIONS and options.precision.upper() not in abilities:
        raise ConfigError(
            f"precision {options.precision}: this {device} computes in {', '.join(sorted(abilities))}; use one of them"
        )
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": PRECISIONS.get(options.precision or "fp32", "f32"),
        **({"INFERENCE_NUM_THREADS": options.threads, "NUM_STREAMS": options.parallel} if device == "CPU" else {}),
        "PERF_COUNT": profile,
    }
    try:
        compiled = core.compile_model(core.read_model(path), device, settings)
    except RuntimeError as error:
        raise ExportError(f"OpenVINO {openvino.__version__} cannot load {path}: {_short(error)}") from error
    return OpenVinoEngine(compiled, path, f"OpenVINO {openvino.__version__.split('-')[0]} ({device})")


@cache
def _core() -> Any:
    """OpenVINO's core, one for the process and for good.

    A core's CPU plugin gives the thread that loads it another stack for signals, and its end brings back the one
    before. Of two cores that do not end in reverse order the second brings back the memory of the first, which is gone
    by then, and the next signal that Python handles ends the process.
    """
    import openvino

    return openvino.Core()


def layer_times(path: Path, options: EngineOptions, batch: np.ndarray) -> list[LayerTime]:
    """Of one run, as OpenVINO's performance counters tell; see ``engines.layer_times``."""
    engine = open_engine(path, options, profile=True)
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(WARMUP + RUNS):
        engine.run(batch)
        for layer in engine.request().profiling_info:
            if layer.status == layer.Status.EXECUTED:
                key = layer.node_name, layer.node_type
                times.setdefault(key, []).append(1000 * layer.real_time.total_seconds())
    nodes = engine.nodes()
    return [
        LayerTime(name, kind, median(milliseconds[WARMUP:]), nodes.get(name, ()))
        for (name, kind), milliseconds in times.items()
    ]


class OpenVinoEngine:
    """An ``openvino.CompiledModel`` with a request for each thread."""

    def __init__(self, compiled: Any, path: Path, title: str) -> None:
        self.title = title
        self._compiled, self._path = compiled, path
        self._local = threading.local()

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The first output."""
        request = self.request()
        try:
            request.infer({0: batch})
        except RuntimeError as error:
            raise ExportError(
                f"OpenVINO cannot run {self._path} on an input of shape {batch.shape}: {_short(error)}"
            ) from error
        return request.get_output_tensor(0).data.copy()  # the request's own memory, which its next run fills anew

    def request(self) -> Any:
        """This thread's ``openvino.InferRequest``."""
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        return self._local.request

    def nodes(self) -> dict[str, tuple[str, ...]]:
        """For each layer by name, the nodes of the file that it computes."""
        layers = self._compiled.get_runtime_model().get_ops()
        named = ((layer.get_friendly_name(), layer.get_rt_info()) for layer in layers)
        return {
            name: tuple(filter(None, info["originalLayersNames"].astype(str).split(",")))
            for name, info in named
            if "originalLayersNames" in info
        }


def _short(error: Exception) -> str:
    """The message without the places in OpenVINO's sources."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return " ".join(told[-3:] or lines)
