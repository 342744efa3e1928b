"""ONNX Runtime: which of its engines runs the model, and an error where a wish cannot be met."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from segwright.errors import ConfigError, ExportError, MissingExtraError

Device = Literal["cpu", "gpu"]
Precision = Literal["fp32", "fp16", "int8"]
Provider = str | tuple[str, dict[str, Any]]

MIN_SUBGRAPH_SIZE = 3


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """How to run a model.

    Attributes:
        device: ``cpu`` or ``gpu``.
        cpu_threads: threads that one prediction may use; None for up to ten.
        precision: arithmetic; ``fp16`` needs ``use_trt``.
        use_trt: compile for TensorRT.
        min_subgraph_size: smallest piece of the graph that TensorRT takes over.
        enable_mkldnn: use the kernels of oneDNN.
    """

    device: Device = "cpu"
    cpu_threads: int | None = None
    precision: Precision = "fp32"
    use_trt: bool = False
    min_subgraph_size: int = MIN_SUBGRAPH_SIZE
    enable_mkldnn: bool = False

    def __post_init__(self) -> None:
        if self.cpu_threads is not None and self.cpu_threads < 1:
            raise ConfigError(f"cpu_threads is a number of threads, at least 1; got {self.cpu_threads}")
        if self.min_subgraph_size < 1:
            raise ConfigError(f"min_subgraph_size is a number of operators, at least 1; got {self.min_subgraph_size}")
        if self.use_trt and self.device != "gpu":
            raise ConfigError("use_trt compiles for NVIDIA GPUs: add --device gpu, or leave use_trt out")
        if self.min_subgraph_size != MIN_SUBGRAPH_SIZE and not self.use_trt:
            raise ConfigError("min_subgraph_size speaks of TensorRT: add --use_trt --device gpu, or leave it out")
        if self.precision == "int8":
            raise ConfigError(
                "precision int8 needs a model that was quantised with calibration pictures, and this export is fp32; "
                "use --precision fp32, or fp16 with --use_trt --device gpu"
            )
        if self.precision == "fp16" and not self.use_trt:
            raise ConfigError(
                "precision fp16 is TensorRT's here: ONNX Runtime computes in the precision of the exported file, "
                "which is fp32; add --use_trt --device gpu, or use --precision fp32"
            )
        if self.enable_mkldnn and self.device != "cpu":
            raise ConfigError("enable_mkldnn speaks of the CPU: use --device cpu, or leave it out")

    @property
    def threads(self) -> int:
        """``cpu_threads``, else ten as in PaddleSeg but no more than the machine has cores, where they would hinder."""
        return self.cpu_threads or min(10, os.cpu_count() or 1)

    def providers(self, available: list[str]) -> list[Provider]:
        """ONNX Runtime's execution providers for these options, best first.

        Raises:
            ConfigError: the installed ONNX Runtime was built without one of them; says what to install.
        """
        wanted: list[Provider] = []
        if self.use_trt:
            trt = {"trt_min_subgraph_size": self.min_subgraph_size, "trt_fp16_enable": self.precision == "fp16"}
            wanted.append(("TensorrtExecutionProvider", trt))
        if self.device == "gpu":
            wanted.append("CUDAExecutionProvider")
        if self.enable_mkldnn:
            wanted.append("DnnlExecutionProvider")
        for provider in wanted:
            name = provider if isinstance(provider, str) else provider[0]
            if name not in available:
                raise ConfigError(f"{_REMEDIES[name]} (this ONNX Runtime has: {', '.join(available)})")
        return [*wanted, "CPUExecutionProvider"]


_REMEDIES = {
    "TensorrtExecutionProvider": (
        "use_trt needs ONNX Runtime's TensorRT engine: install TensorRT, and onnxruntime-gpu in place of onnxruntime"
    ),
    "CUDAExecutionProvider": (
        "device gpu needs ONNX Runtime's CUDA engine: install onnxruntime-gpu in place of onnxruntime, "
        "or use --device cpu"
    ),
    "DnnlExecutionProvider": (
        "enable_mkldnn needs an ONNX Runtime that was built with oneDNN (build.sh --use_dnnl); leave the flag out to "
        "run on its own CPU kernels, which are as fast for convolutions"
    ),
}


def open_session(model: Path, options: EngineOptions) -> Any:
    """An ``onnxruntime.InferenceSession`` of ``model`` that runs as ``options`` say, and on nothing else.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        ConfigError: an engine is asked for that this ONNX Runtime does not have or cannot start.
        ExportError: the file is no ONNX model, or of a kind that this ONNX Runtime is too old for.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("running an exported model", "onnx") from error

    providers = options.providers(onnxruntime.get_available_providers())
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.log_severity_level = 3  # errors only: they also come as exceptions
    try:
        session = onnxruntime.InferenceSession(str(model), settings, providers=providers)
    except Exception as error:  # its exceptions share no base class
        raise ExportError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {model}: {' '.join(str(error).split())}"
        ) from error
    first = providers[0] if isinstance(providers[0], str) else providers[0][0]
    if first not in session.get_providers():
        raise ConfigError(
            f"ONNX Runtime could not start its {first} and would have gone on without it: check that the driver and "
            "the CUDA, cuDNN and TensorRT versions are those that its release notes name"
        )
    return session
