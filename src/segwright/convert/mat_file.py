"""Matlab's .mat files, of which two data sets are made; nothing in them is executed."""

from pathlib import Path
from typing import Any

import numpy as np

from segwright.errors import DataError, MissingExtraError


def require_scipy() -> None:
    """Raise a ``MissingExtraError`` if .mat files cannot be read."""
    try:
        import scipy.io  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("Matlab's .mat files", "annotations") from error


def read_mat_map(path: Path, *keys: str) -> np.ndarray:
    """A label map in a .mat file.

    Args:
        path: the file.
        keys: the variable, and the fields to follow within it.

    Returns:
        (H, W) integers.

    Raises:
        DataError: it cannot be read, or holds no such map.
        MissingExtraError: scipy is not installed.
    """
    require_scipy()
    from scipy.io import loadmat

    try:
        value: Any = loadmat(path, variable_names=[keys[0]])[keys[0]]
        for key in keys[1:]:
            value = value[key][0, 0]
    except KeyError as error:
        raise DataError(f"{path} holds no {'.'.join(keys)}; is it a file of this data set?") from error
    except Exception as error:  # scipy, zlib and NumPy each have errors of their own for damaged files
        raise DataError(f"{path} cannot be read as a .mat file ({error}); fetch it again") from error
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in "ui":
        raise DataError(f"{path}: {'.'.join(keys)} is no map of whole numbers")
    return value
