"""safetensors, the format of segwright's checkpoints: names, shapes and numbers, and nothing that could run."""

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import Tensor

from segwright.errors import WeightsError
from segwright.weights.arrays import named_arrays


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
