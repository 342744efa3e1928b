"""ONNX Runtime (https://onnxruntime.ai): ONNX files on CPUs, and on NVIDIA GPUs with CUDA and TensorRT."""

import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from segwright.errors import ConfigError, ExportError, MissingExtraError
from segwright.runtime.layer_times import RUNS, WARMUP, LayerTime
from segwright.runtime.options import EngineOptions

FORMATS = ("onnx",)
EXTRA = "onnx"
PARALLEL = True

Provider = str | tuple[str, dict[str, Any]]

_REMEDIES = {
    "TensorrtExecutionProvider": (
        "use_trt needs ONNX Runtime's TensorRT engine: install TensorRT, and onnxruntime-gpu in place of onnxruntime"
    ),
    "CUDAExecutionProvider": (
        "device gpu needs ONNX Runtime's CUDA engine: install onnxruntime-gpu in place of onnxruntime, "
        "or use --device cpu"
    ),
    "DnnlExecutionProvider": (
        "enable_mkldnn needs an ONNX Runtime that was built with oneDNN (build.sh --use_dnnl), or --engine openvino, "
        "whose CPU kernels are oneDNN's; leave the flag out to run on ONNX Runtime's own CPU kernels"
    ),
}

_TIMED = "_kernel_time"  # ends the name of an event that says how long a node took
_BLOCKED = "_nchwc"  # ends the name of a node that was moved to channels in blocks


def is_installed() -> bool:
    """Whether the library can be imported."""
    return find_spec("onnxruntime") is not None


def providers(options: EngineOptions, available: list[str]) -> list[Provider]:
    """ONNX Runtime's execution providers for these options, best first.

    Raises:
        ConfigError: the installed ONNX Runtime was built without one of them, which says what to install; or no build
            has what is asked for.
    """
    if options.compile:
        raise ConfigError("compile speaks of torch.compile: use --engine torch, or leave it out")
    if options.precision == "bf16" or (options.precision == "fp16" and not options.use_trt):
        raise ConfigError(
            f"precision {options.precision}: ONNX Runtime computes in the precision of the exported file; add "
            "--use_trt --device gpu for fp16, use --engine openvino, or use --precision fp32"
        )
    wanted: list[Provider] = []
    if options.use_trt:
        trt = {"trt_min_subgraph_size": options.min_subgraph_size, "trt_fp16_enable": options.precision == "fp16"}
        wanted.append(("TensorrtExecutionProvider", trt))
    if options.device == "gpu":
        wanted.append("CUDAExecutionProvider")
    if options.enable_mkldnn:
        wanted.append("DnnlExecutionProvider")
    for provider in wanted:
        name = provider if isinstance(provider, str) else provider[0]
        if name not in available:
            raise ConfigError(f"{_REMEDIES[name]} (this ONNX Runtime has: {', '.join(available)})")
    return [*wanted, "CPUExecutionProvider"]


def open_engine(path: Path, options: EngineOptions, *, profile: Path | None = None) -> "OnnxRuntimeEngine":
    """A session that runs as ``options`` say, and on nothing else.

    Args:
        path: the file.
        options: how to run it.
        profile: beginning of the name of a file for the times of nodes, which ``end_profiling`` writes.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        ConfigError: an engine is asked for that this ONNX Runtime does not have or cannot start.
        ExportError: the file is no ONNX model, or of a kind that this ONNX Runtime is too old for.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("running an exported model", EXTRA) from error

    wanted = providers(options, onnxruntime.get_available_providers())
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads_per_run
    settings.enable_cpu_mem_arena = settings.enable_mem_pattern = options.keep_memory
    settings.log_severity_level = 3  # errors only: they also come as exceptions
    if profile is not None:
        settings.enable_profiling, settings.profile_file_prefix = True, str(profile)
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=wanted)
    except Exception as error:  # its exceptions share no base class
        raise ExportError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {path}: {' '.join(str(error).split())}"
        ) from error
    first = wanted[0] if isinstance(wanted[0], str) else wanted[0][0]
    if first not in session.get_providers():
        raise ConfigError(
            f"ONNX Runtime could not start its {first} and would have gone on without it: check that the driver and "
            "the CUDA, cuDNN and TensorRT versions are those that its release notes name"
        )
    return OnnxRuntimeEngine(session, path, onnxruntime.__version__)


def layer_times(path: Path, options: EngineOptions, batch: np.ndarray) -> list[LayerTime]:
    """Of one run, as ONNX Runtime's profiler tells; see ``engines.layer_times``."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(path, options, profile=Path(folder) / "profile")
        for _ in range(WARMUP + RUNS):
            engine.run(batch)
        events = json.loads(Path(engine.end_profiling()).read_text(encoding="utf-8"))
    calls: dict[tuple[str, str], list[int]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_TIMED):
            key = event["name"].removesuffix(_TIMED), event["args"]["op_name"]
            calls.setdefault(key, []).append(event["dur"])  # microseconds
    return [
        LayerTime(
            name=name,
            kind=kind,
            milliseconds=median(durations[WARMUP:]) / 1000,
            nodes=() if kind.startswith("Reorder") else (name.removesuffix(_BLOCKED),),
        )
        for (name, kind), durations in calls.items()
    ]


class OnnxRuntimeEngine:
    """An ``onnxruntime.InferenceSession``, which threads may share."""

    def __init__(self, session: Any, path: Path, version: str) -> None:
        self.title = f"ONNX Runtime {version} ({', '.join(session.get_providers())})"
        self._session, self._path = session, path
        self._input = session.get_inputs()[0].name

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The first output."""
        try:
            return self._session.run(None, {self._input: batch})[0]
        except Exception as error:  # its exceptions share no base class
            raise ExportError(
                f"ONNX Runtime cannot run {self._path} on an input of shape {batch.shape}: "
                f"{' '.join(str(error).split())}"
            ) from error

    def end_profiling(self) -> str:
        """Write the times of nodes; returns the file's name."""
        return self._session.end_profiling()
