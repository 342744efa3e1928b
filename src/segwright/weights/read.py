"""A file of weights, whatever its kind, as named arrays."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from segwright.errors import WeightsError
from segwright.weights.archives import unpack
from segwright.weights.formats import Format, describe, recognise
from segwright.weights.locate import find_weights
from segwright.weights.pdparams import read_pdparams
from segwright.weights.pth import read_pth
from segwright.weights.tensors import read_safetensors

READERS = {"pdparams": read_pdparams, "pth": read_pth, "safetensors": read_safetensors}


class Contents(NamedTuple):
    """What a file of weights holds.

    Attributes:
        source: the file; in an archive, the archive's path and then the path in it.
        format: told by the file's bytes, not by its name.
        arrays: under the names that the file uses.
    """

    source: Path
    format: Format
    arrays: dict[str, np.ndarray]


def read_contents(path: str | Path) -> Contents:
    """Find, unpack and read a file of weights; nothing in it is run.

    Args:
        path: see ``load_weights``.

    Raises:
        WeightsError: there is no such file, or it is damaged, unsafe, or no file of weights.
    """
    file = find_weights(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror or error}") from error
    data, source = unpack(data, file)
    file_format = recognise(data)
    if file_format is None:
        raise WeightsError(f"{source} is no file of weights but {describe(data)}; want .safetensors, .pdparams or .pth")
    return Contents(source, file_format, READERS[file_format](data, source))


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Arrays in a file of weights, under the names that the file uses; see ``read_contents``."""
    return read_contents(path).arrays
