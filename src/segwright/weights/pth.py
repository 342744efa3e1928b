"""PyTorch's .pth files, through PyTorch's loader that builds tensors and refuses everything else."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segwright.errors import WeightsError
from segwright.weights.arrays import named_arrays
from segwright.weights.tensors import tensor_to_array

MAX_INFLATION = 4  # PyTorch stores tensors as they are; a file that claims many times its size is a bomb


def read_pth(data: bytes, where: Path) -> dict[str, np.ndarray]:
    """Arrays of a .pth file. No code in it is run.

    Raises:
        WeightsError: the file is damaged, holds Python objects, or claims far more memory than its size.
    """
    budget = MAX_INFLATION * len(data)
    bomb = WeightsError(f"{where}: refused, because it has {len(data)} bytes and claims to hold more than {budget}")
    if data.startswith(b"PK") and _unpacked_size(data, where) > budget:
        raise bomb

    def as_array(value: Any) -> np.ndarray | None:
        nonlocal budget
        if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
            return None
        budget -= value.numel() * value.element_size()  # a tensor may be a huge view of few bytes
        if budget < 0:
            raise bomb
        return tensor_to_array(value.detach())

    return named_arrays(_load(data, where), as_array, where)


def _load(data: bytes, where: Path) -> Any:
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # the loader lets many kinds of errors through
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        if refused:
            raise WeightsError(
                f"{where}: refused, because it holds more than arrays: it names {refused[1]}; nothing was run. If "
                "you trust the file, load it in PyTorch yourself and save only model.state_dict()"
            ) from error
        raise _damaged(where, error) from error


def _unpacked_size(data: bytes, where: Path) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise _damaged(where, error) from error


def _damaged(where: Path, error: Exception) -> WeightsError:
    reason = str(error).strip().partition("\n")[0]
    return WeightsError(f"{where}: this PyTorch file is truncated, damaged or another archive ({reason}); get it again")
