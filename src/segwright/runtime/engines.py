"""The libraries that run exported models: which there are, which reads what, and opening a model in one.

A further engine is one module with ``FORMATS``, ``PARALLEL`` (whether it gains from runs at the same time),
``is_installed``, ``open_engine`` and, where it is not always there, ``EXTRA``, and a line here. If it tells the times
of layers, it has ``layer_times``.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from segwright.errors import ConfigError, MissingExtraError, suggest
from segwright.runtime.layer_times import LayerTime
from segwright.runtime.options import EngineOptions

ENGINES = {
    "onnxruntime": "segwright.runtime.onnxruntime_engine",
    "openvino": "segwright.runtime.openvino_engine",
    "executorch": "segwright.runtime.executorch_engine",
    "torch": "segwright.runtime.torch_engine",
}
FIRST_FOR_INT8 = "openvino"  # on CPUs, where it is installed: faster on all models in docs/benchmarks.md


class Engine(Protocol):
    """A network, opened in a library. Threads may run it at once.

    Attributes:
        title: library, version, and what of it computes.
    """

    title: str

    def run(self, batch: np.ndarray) -> np.ndarray:
        """(N, C, H, W) float32, or (N, H, W, 3) uint8 where the network begins with pictures -> its output.

        Raises:
            ExportError: the library fails on this input.
        """
        ...


def open_engine(path: Path, file_format: str, options: EngineOptions) -> Engine:
    """Open a model file.

    Args:
        path: the file.
        file_format: ``onnx``, ``openvino``, ``torch`` or ``executorch``.
        options: how to run it.

    Raises:
        ConfigError: no such engine, it does not read the format, or it cannot do what the options ask for.
        MissingExtraError: it is not installed.
        ExportError: the file cannot be loaded.
    """
    module = _choose(file_format, options)
    if options.parallel > 1 and not module.PARALLEL:
        raise ConfigError(f"parallel {options.parallel}: this engine runs one input at a time; leave it out")
    return module.open_engine(path, options)


def gains_from_parallel_runs(file_format: str, options: EngineOptions) -> bool:
    """Whether the engine that ``open_engine`` takes is faster when several runs share the cores.

    Raises:
        as ``open_engine``.
    """
    return options.device == "cpu" and _choose(file_format, options).PARALLEL


def engines_for(file_format: str) -> dict[str, Any]:
    """The modules of the engines that read a format, by name, preferred ones first."""
    modules = {name: import_module(module) for name, module in ENGINES.items()}
    return {name: module for name, module in modules.items() if file_format in module.FORMATS}


def layer_times(path: Path, file_format: str, options: EngineOptions, batch: np.ndarray) -> list[LayerTime] | None:
    """How long each layer takes in one run of the network, in the order in which they ran first.

    Args:
        path: the file.
        file_format: its format.
        options: how to run it.
        batch: what to run it on.

    Returns:
        The layers as the engine has put them together; None if it does not tell.

    Raises:
        as ``open_engine``, and ExportError: the library fails on this input.
    """
    module = _choose(file_format, options)
    return module.layer_times(path, options, batch) if hasattr(module, "layer_times") else None


def require(name: str) -> None:
    """Fail at once where an engine's library is missing.

    Raises:
        MissingExtraError: it is not installed.
    """
    module = import_module(ENGINES[name])
    if not module.is_installed():
        raise MissingExtraError(f"engine {name}", module.EXTRA)


def _choose(file_format: str, options: EngineOptions) -> Any:
    readers = engines_for(file_format)
    if options.engine != "auto":
        if options.engine not in ENGINES:
            raise ConfigError(f"engine '{options.engine}': {suggest(options.engine, ENGINES, list_all=True)}")
        if options.engine not in readers:
            raise ConfigError(
                f"engine {options.engine} does not read this model, whose format is {file_format}: use --engine "
                f"{' or '.join(readers)}, or export again with --format"
            )
        return readers[options.engine]
    installed = {name: module for name, module in readers.items() if module.is_installed()}
    if not installed:
        raise MissingExtraError("running this exported model", next(iter(readers.values())).EXTRA)
    if options.precision == "int8" and options.device == "cpu" and FIRST_FOR_INT8 in installed:
        return installed[FIRST_FOR_INT8]
    return next(iter(installed.values()))
