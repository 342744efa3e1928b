"""Weights from a file into a model: all of them, or an error that says which not."""

import logging
from pathlib import Path

import numpy as np
import torch
from torch import nn

from segwright.errors import WeightsError
from segwright.weights.formats import Format, describe, recognise
from segwright.weights.locate import find_weights
from segwright.weights.names import UNCOUNTED, paddle_variables, variable_names
from segwright.weights.pdparams import read_pdparams
from segwright.weights.pth import read_pth
from segwright.weights.report import Mismatch, WeightsReport
from segwright.weights.tensors import read_safetensors

logger = logging.getLogger("segwright")

READERS = {"pdparams": read_pdparams, "pth": read_pth, "safetensors": read_safetensors}


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Arrays in a file of weights, under the names that the file uses.

    Args:
        path: see ``load_weights``.

    Raises:
        WeightsError: there is no such file, or it is damaged, unsafe, or no file of weights.
    """
    _, arrays = _read(find_weights(path))
    return arrays


def load_weights(model: nn.Module, path: str | Path, *, strict: bool = True) -> WeightsReport:
    """Copy the variables in a file into ``model``.

    PaddleSeg's names and the model's own are told apart by which of them fit better; the extension does not matter.

    Args:
        model: is left as it was when this raises.
        path: a .pdparams, .pth or .safetensors file, a folder with ``model.safetensors``, ``model.pdparams`` or
            ``model.pth``, or an http(s) URL.
        strict: whether every variable must be there, with the right shape, and no other. Otherwise what fits is
            taken, and the rest is logged.

    Raises:
        WeightsError: there is no such file; it is damaged, unsafe, or no file of weights; it fits partly and
            ``strict`` is set; or nothing in it fits.
    """
    file = find_weights(path)
    file_format, arrays = _read(file)
    renamed, unexpected = _rename(model, arrays, file_format)
    report, fitting = _compare(model, renamed, unexpected, source=str(file))
    if not report.matched:
        raise WeightsError(f"{file} holds no variable that fits {report.model}: {report.differences()}")
    if strict and not report.complete:
        hint = f"; {report.hint()}" if report.hint() else ""
        raise WeightsError(
            f"{file} fits {report.model} only partly: {len(report.matched)} variables match; {report.differences()}"
            f"{hint}. Choose the model that the file was made for, or load with strict=False to take only what matches"
        )
    if not report.complete:
        logger.warning("%s\n%s", file, report.table())
    state = model.state_dict()
    with torch.no_grad():
        for name, array in fitting.items():
            state[name].copy_(torch.from_numpy(array))
    return report


def _read(file: Path) -> tuple[Format, dict[str, np.ndarray]]:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read {file}: {error.strerror or error}") from error
    file_format = recognise(data)
    if file_format is None:
        raise WeightsError(f"{file} is no file of weights but {describe(data)}; want .safetensors, .pdparams or .pth")
    return file_format, READERS[file_format](data, file)


def _rename(
    model: nn.Module, arrays: dict[str, np.ndarray], file_format: Format
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Arrays under the model's names and in its layout, and the file's names that the model does not know."""
    variables = paddle_variables(model)
    num_ours = len(variables.keys() & arrays.keys())
    num_theirs = len({variable.name for variable in variables.values()} & arrays.keys())
    is_paddle = num_theirs > num_ours or (num_theirs == num_ours and file_format == "pdparams")
    renamed = {}
    known = set()
    for name, variable in variables.items():
        source = variable.name if is_paddle else name
        if source in arrays:
            known.add(source)
            array = arrays[source]
            renamed[name] = array.T if is_paddle and variable.transposed else array
    return renamed, tuple(name for name in arrays if name not in known and not name.endswith(UNCOUNTED))


def _compare(
    model: nn.Module, arrays: dict[str, np.ndarray], unexpected: tuple[str, ...], source: str
) -> tuple[WeightsReport, dict[str, np.ndarray]]:
    """How ``arrays`` fit the model's variables, and those that do."""
    fitting, missing, mismatched = {}, [], []
    state = model.state_dict()
    for name in variable_names(model):
        tensor = state[name]
        if name not in arrays:
            missing.append(name)
        elif arrays[name].shape != tensor.shape:
            mismatched.append(Mismatch(name, arrays[name].shape, tuple(tensor.shape)))
        elif tensor.is_floating_point() and arrays[name].dtype.kind != "f":
            raise WeightsError(
                f"{source}: {name} holds {arrays[name].dtype} where real numbers are wanted; is the file quantised?"
            )
        else:
            fitting[name] = arrays[name]
    report = WeightsReport(
        model=type(model).__name__,
        source=source,
        matched=tuple(fitting),
        missing=tuple(missing),
        unexpected=unexpected,
        mismatched=tuple(mismatched),
    )
    return report, fitting
