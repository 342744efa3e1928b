"""safetensors, the format that segwright writes: names, shapes and numbers, and nothing that could run."""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor, nn

from segwright.atomic import write_bytes
from segwright.errors import WeightsError
from segwright.weights.arrays import named_arrays
from segwright.weights.names import variable_names


def read_safetensors(data: bytes, where: Path) -> dict[str, np.ndarray]:
    """Arrays of a .safetensors file.

    Raises:
        WeightsError: the file is truncated or damaged.
    """
    try:
        tensors = safetensors.load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{where}: this .safetensors file is truncated or damaged ({error}); get it again"
        ) from error
    return named_arrays(tensors, tensor_to_array, where)


def tensor_to_array(tensor: Tensor) -> np.ndarray:
    """Array of a dense CPU tensor; floating point formats that NumPy lacks (bfloat16, ...) become float32."""
    numpy_floats = (torch.float16, torch.float32, torch.float64)
    if tensor.is_floating_point() and tensor.dtype not in numpy_floats:
        tensor = tensor.float()
    return tensor.numpy()


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write the model's variables as .safetensors: the same bytes for the same values, whole or not at all.

    Args:
        model: on any device, in any memory format.
        path: where to; must end in ``.safetensors``.

    Raises:
        WeightsError: ``path`` ends otherwise.
        OSError: the file cannot be written; an older one is unharmed.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise WeightsError(f"{path}: weights are written as .safetensors; end the file name so")
    state = model.state_dict()
    # Cloned, because a file cannot say that two variables share their memory.
    tensors = {
        name: state[name].detach().cpu().clone(memory_format=torch.contiguous_format) for name in variable_names(model)
    }
    write_bytes(path, safetensors.save(tensors, metadata={"format": "pt"}), sync=True)
