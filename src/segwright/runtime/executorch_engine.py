"""ExecuTorch (https://docs.pytorch.org/executorch): programs for phones and small boards, with XNNPACK's kernels.

Here it is the stand-in for them: the same file runs on Android and iOS.
"""

import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from segwright.errors import ConfigError, ExportError, MissingExtraError
from segwright.runtime.options import EngineOptions

FORMATS = ("executorch",)
EXTRA = "executorch"
PARALLEL = False


def is_installed() -> bool:
    """Whether the library can be imported."""
    return find_spec("executorch") is not None


def open_engine(path: Path, options: EngineOptions) -> "ExecuTorchEngine":
    """Load a program.

    Raises:
        MissingExtraError: ExecuTorch is not installed.
        ConfigError: options that it does not have.
        ExportError: the file is no program of its.
    """
    try:
        import torch  # noqa: F401 - the wheel's library is linked to it

        # What executorch.runtime wraps. That imports the exporter, too: three seconds and 130 MB.
        from executorch.extension.pybindings import _portable_lib as library
    except ImportError as error:
        raise MissingExtraError("running a program for ExecuTorch", EXTRA) from error

    for flag, file_format in {"use_trt": "onnx", "enable_mkldnn": "openvino", "compile": "torch"}.items():
        if getattr(options, flag):
            raise ConfigError(
                f"{flag} means nothing to ExecuTorch: export with --format {file_format}, or leave it out"
            )
    if options.device == "gpu":
        raise ConfigError("device gpu: this program was made for CPUs (XNNPACK); use --device cpu")
    if options.precision in ("bf16", "fp16"):
        raise ConfigError(
            f"precision {options.precision}: ExecuTorch computes in the precision of the exported file; leave it out"
        )
    library._unsafe_reset_threadpool(options.threads)  # of the whole process; safe while no program runs
    checks = library.Verification.InternalConsistency
    try:
        method = library._load_program(str(path), program_verification=checks).load_method("forward")
    except RuntimeError as error:
        raise ExportError(f"ExecuTorch cannot load {path}: {' '.join(str(error).split())}") from error
    return ExecuTorchEngine(method, path)


class ExecuTorchEngine:
    """A method of a program. One thread at a time: it computes in memory of its own."""

    def __init__(self, method: Any, path: Path) -> None:
        from importlib.metadata import version

        self.title = f"ExecuTorch {version('executorch')} (XNNPACK)"
        self._method, self._path = method, path
        self._lock = threading.Lock()

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The first output."""
        import torch

        with self._lock:
            try:
                return self._method([torch.from_numpy(np.ascontiguousarray(batch))])[0].numpy().copy()
            except RuntimeError as error:
                raise ExportError(
                    f"ExecuTorch cannot run {self._path} on an input of shape {batch.shape}: "
                    f"{' '.join(str(error).split())}"
                ) from error
