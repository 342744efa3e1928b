"""The libraries that run the network: ONNX Runtime, OpenVINO and ExecuTorch. Each is imported when it is chosen."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from errors import EdgeError

Network = Callable[[np.ndarray], np.ndarray]
"""(N, C, H, W) float32, or (N, H, W, 3) uint8 where the graph begins with pictures -> its output."""


def open_network(model: Path, file_format: str, engine: str, threads: int) -> tuple[str, Network]:
    """Load a model.

    Args:
        model: the file.
        file_format: ``onnx``, ``openvino`` or ``executorch``.
        engine: a key of ``ENGINES``, or ``auto`` for the first that is installed and reads the format.
        threads: to compute with.

    Returns:
        What runs it, in words, and the network.

    Raises:
        EdgeError: no such engine here, it does not read the format, or the file is none of its.
    """
    readers = [name for name, (formats, _) in ENGINES.items() if file_format in formats]
    if not readers:
        raise EdgeError(f"{model}: format {file_format} is not read here; export with --format onnx")
    if engine != "auto" and engine not in readers:
        raise EdgeError(f"{engine} does not read {model.name}: use --engine {' or '.join(readers)}, or export again")
    installed = [name for name in readers if find_spec(name)]
    chosen = next(iter(installed), readers[0]) if engine == "auto" else engine
    if chosen not in installed:
        raise EdgeError(f"{chosen} is not installed, which runs {model.name}: pip install {chosen}")
    try:
        return ENGINES[chosen][1](model, threads)
    except Exception as error:  # the libraries' errors have no base in common
        raise EdgeError(f"{chosen} cannot load {model}: {_line(error)}") from error


def _onnxruntime(model: Path, threads: int) -> tuple[str, Network]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return f"ONNX Runtime {onnxruntime.__version__}", lambda batch: session.run(None, {name: batch})[0]


def _openvino(model: Path, threads: int) -> tuple[str, Network]:
    import openvino

    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()
    return f"OpenVINO {openvino.__version__.split('-')[0]}", lambda batch: request.infer({0: batch})[0].copy()


def _executorch(model: Path, threads: int) -> tuple[str, Network]:
    from importlib.metadata import version

    import torch  # the wheel's library is linked to it and takes its tensors

    # What executorch.runtime wraps. That imports the exporter, too: three seconds and 130 MB.
    from executorch.extension.pybindings import _portable_lib as library

    library._unsafe_reset_threadpool(threads)
    checks = library.Verification.InternalConsistency
    program = library._load_program(str(model), program_verification=checks)
    method = program.load_method("forward")
    return f"ExecuTorch {version('executorch')}", lambda batch: method([torch.from_numpy(batch)])[0].numpy().copy()


def _line(error: Exception) -> str:
    """The last words of an error, which say the cause."""
    return " ".join(str(error).split())[-300:] or type(error).__name__


ENGINES: dict[str, tuple[tuple[str, ...], Callable[[Path, int], tuple[str, Network]]]] = {
    "onnxruntime": (("onnx",), _onnxruntime),
    "openvino": (("openvino", "onnx"), _openvino),
    "executorch": (("executorch",), _executorch),
}
"""Names, the formats that each reads, and how it is opened."""
