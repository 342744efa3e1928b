"""PyTorch (https://docs.pytorch.org/docs/stable/export.html): programs that ``torch.export`` has written."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segwright.errors import ConfigError, ExportError
from segwright.runtime.options import EngineOptions
from segwright.runtime.torch_archive import refuse_pickles

if TYPE_CHECKING:
    import torch

FORMATS = ("torch",)
PARALLEL = False


def is_installed() -> bool:
    """It is one of segwright's own dependencies."""
    return True


def open_engine(path: Path, options: EngineOptions) -> "TorchEngine":
    """Load a program, whose weights are read as arrays only, on a device.

    Raises:
        ConfigError: options that PyTorch, or this machine, does not have.
        ExportError: the file is no exported program.
    """
    import torch

    if options.use_trt or options.enable_mkldnn:
        flag, engine = ("use_trt", "onnxruntime") if options.use_trt else ("enable_mkldnn", "openvino")
        raise ConfigError(f"{flag} means nothing to the torch engine: use --engine {engine}, or leave it out")
    if options.device == "gpu" and not torch.cuda.is_available():
        raise ConfigError("device gpu: this PyTorch finds no GPU; use --device cpu")
    refuse_pickles(path)
    try:
        program = torch.export.load(path)
    except Exception as error:  # zip, JSON and torch errors alike
        raise ExportError(
            f"PyTorch {torch.__version__} cannot load {path}: {' '.join(str(error).split())[:300]}"
        ) from error
    device = torch.device("cuda" if options.device == "gpu" else "cpu")
    module = program.module().to(device)
    mode = "reduce-overhead" if device.type == "cuda" else "default"  # with CUDA graphs
    run = torch.compile(module, mode=mode) if options.compile else module
    title = f"PyTorch {torch.__version__} ({device}{', compiled' if options.compile else ''})"
    return TorchEngine(run, path, title, options)


class TorchEngine:
    """A program in PyTorch. One thread at a time: they would share the cores anyway."""

    def __init__(
        self, program: Callable[["torch.Tensor"], "torch.Tensor"], path: Path, title: str, options: EngineOptions
    ) -> None:
        self.title = title
        self._program, self._path, self._options = program, path, options
        self._lock = threading.Lock()

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The output."""
        import torch

        precision = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self._options.precision or "")
        device = "cuda" if self._options.device == "gpu" else "cpu"
        with self._lock, torch.inference_mode(), torch.autocast(device, precision, enabled=precision is not None):
            torch.set_num_threads(self._options.threads)
            try:
                return self._program(torch.from_numpy(batch).to(device)).cpu().numpy()
            except (RuntimeError, AssertionError) as error:  # an assertion guards the shapes that it was exported for
                told = " ".join(str(error).split())[:300]
                guarded = isinstance(error, AssertionError) or "assertion" in told
                remedy = "; export for this shape (--input_shape N C H W), or with --format onnx" if guarded else ""
                raise ExportError(
                    f"PyTorch cannot run {self._path} on an input of shape {batch.shape}: {told}{remedy}"
                ) from error
