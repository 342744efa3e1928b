"""Weights to a file: safetensors, PyTorch's .pth, or .pdparams that PaddleSeg loads."""

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import torch as safetensors
from torch import Tensor, nn

from segwright.atomic import write_bytes
from segwright.errors import WeightsError
from segwright.weights.formats import SUFFIXES
from segwright.weights.names import paddle_variables, variable_names
from segwright.weights.tensors import tensor_to_array

NAME_TABLE = "StructuredToParameterName@@"  # by which Paddle knows a state dict


def save_weights(model: nn.Module, path: str | Path, state: Mapping[str, Tensor] | None = None) -> None:
    """Write the model's variables: the same bytes for the same values, whole or not at all.

    Args:
        model: on any device, in any memory format.
        path: where to. The extension is the format: ``.safetensors`` and ``.pth`` have the model's names,
            ``.pdparams`` has PaddleSeg's names and layouts.
        state: values to write, under the names of the model's own, instead of these.

    Raises:
        WeightsError: ``path`` ends otherwise.
        OSError: the file cannot be written; an older one is unharmed.
    """
    state = model.state_dict() if state is None else state
    write_tensors(model, {name: state[name].detach().cpu() for name in variable_names(model)}, path)


def save_pdparams(model: nn.Module, path: str | Path) -> None:
    """``save_weights`` for a path that must end in ``.pdparams``."""
    if Path(path).suffix != ".pdparams":
        raise WeightsError(f"{path}: Paddle's weights end in .pdparams; end the file name so")
    save_weights(model, path)


def check_suffix(path: str | Path) -> None:
    """Fail if weights cannot be written under this name.

    Raises:
        WeightsError: the extension is that of no format.
    """
    if Path(path).suffix not in SUFFIXES:
        raise WeightsError(f"{path}: weights are written as {', '.join(SUFFIXES)}; end the file name so")


def write_tensors(model: nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """``save_weights`` with the values of ``tensors``, under the model's names, instead of the model's own."""
    check_suffix(path)
    path = Path(path)
    # Cloned, because a file cannot say that two variables share their memory.
    plain = {name: value.clone(memory_format=torch.contiguous_format) for name, value in tensors.items()}
    if path.suffix == ".safetensors":
        data = safetensors.save(plain, metadata={"format": "pt"})
    elif path.suffix == ".pth":
        buffer = io.BytesIO()
        torch.save(plain, buffer)
        data = buffer.getvalue()
    else:
        data = _pickled(_under_paddle_names(model, plain))
    write_bytes(path, data, sync=True)


def _under_paddle_names(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    variables = paddle_variables(model)
    return {
        variables[name].name: np.ascontiguousarray(array.T) if variables[name].transposed else array
        for name, array in ((name, tensor_to_array(value)) for name, value in tensors.items())
    }


def _pickled(arrays: dict[str, np.ndarray]) -> bytes:
    """What paddle.save writes for a state dict; there the table holds names that Paddle gave to its variables."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=4).dump({**arrays, NAME_TABLE: {name: name for name in arrays}})
    return buffer.getvalue()


class _Pickler(pickle._Pickler):
    """Names NumPy's functions as NumPy 1 did, which every NumPy understands; ``numpy._core`` is unknown to it."""

    save: Callable[[Any], None]
    write: Callable[[bytes], None]
    memoize: Callable[[Any], None]

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write a reference to a function or class as module and name."""
        self.save(obj.__module__.replace("numpy._core", "numpy.core"))
        self.save(name or obj.__qualname__)
        self.write(pickle.STACK_GLOBAL)
        self.memoize(obj)
