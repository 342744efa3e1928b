"""Weights from a file into a model: all of them, or an error that says which not."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from segwright.errors import WeightsError
from segwright.weights.names import UNCOUNTED, paddle_variables
from segwright.weights.read import Contents, read_contents
from segwright.weights.report import Mismatch, WeightsReport

logger = logging.getLogger("segwright")

SUSPICIOUS = 0.5  # less than this share of a model's variables makes one doubt that it is the right file


def load_weights(model: nn.Module, path: str | Path, *, strict: bool = True) -> WeightsReport:
    """Copy the variables in a file into ``model``.

    PaddleSeg's names and the model's own are told apart by which of them fit better; the extension does not matter.

    Args:
        model: is left as it was when this raises.
        path: a .pdparams, .pth or .safetensors file; a zip, tar or tar.gz that holds one such file; a folder with
            ``model.safetensors``, ``model.pdparams`` or ``model.pth``; or the http(s) URL of a file or an archive, as
            ``download`` describes it.
        strict: whether every variable must be there, with the right shape, and no other. Otherwise what fits is
            taken, and the rest is logged.

    Raises:
        WeightsError: there is no such file; it is damaged, unsafe, or no file of weights; it fits partly and
            ``strict`` is set; or nothing in it fits.
    """
    report, fitting = fit(model, read_contents(path))
    if strict:
        require_all(report)
    elif not report.complete:
        _log(report)
    fill(model, fitting)
    return report


def fill(model: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Copy arrays into the variables of a model that they are named by; see ``fit``."""
    state = model.state_dict()
    with torch.no_grad():
        for name, array in arrays.items():
            state[name].copy_(torch.from_numpy(array))


def fit(model: nn.Module, contents: Contents) -> tuple[WeightsReport, dict[str, np.ndarray]]:
    """How a file's variables fit the model's, and those that do, under the model's names and in its layout.

    Args:
        model: may be on the meta device, for only names and shapes matter.
        contents: the file.

    Raises:
        WeightsError: nothing in the file fits.
    """
    renamed, unexpected = _rename(model, contents)
    fitting, missing, mismatched = {}, [], []
    state = model.state_dict()
    for name in paddle_variables(model):
        tensor = state[name]
        if name not in renamed:
            missing.append(name)
        elif renamed[name].shape != tensor.shape:
            mismatched.append(Mismatch(name, renamed[name].shape, tuple(tensor.shape)))
        elif tensor.is_floating_point() and renamed[name].dtype.kind != "f":
            raise WeightsError(
                f"{contents.source}: {name} holds {renamed[name].dtype} where real numbers are wanted; is the file "
                "quantised?"
            )
        else:
            fitting[name] = renamed[name]
    report = WeightsReport(
        model=type(model).__name__,
        source=str(contents.source),
        matched=tuple(fitting),
        missing=tuple(missing),
        unexpected=unexpected,
        mismatched=tuple(mismatched),
    )
    if not report.matched:
        raise WeightsError(f"{report.source} holds no variable that fits {report.model}: {report.differences()}")
    return report, fitting


def require_all(report: WeightsReport) -> None:
    """Fail unless file and model agree in every variable.

    Raises:
        WeightsError: they do not; it says in which.
    """
    if not report.complete:
        hint = f"; {report.hint()}" if report.hint() else ""
        raise WeightsError(
            f"{report.source} fits {report.model} only partly: {len(report.matched)} variables match; "
            f"{report.differences()}{hint}. Choose the model that the file was made for; to start training from what "
            "matches, segwright train --finetune takes the file (in Python: segwright.weights.load_finetune)"
        )


def _rename(model: nn.Module, contents: Contents) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Arrays under the model's names and in its layout, and the file's names that the model does not know."""
    variables, arrays = paddle_variables(model), contents.arrays
    num_ours = len(variables.keys() & arrays.keys())
    num_theirs = len({variable.name for variable in variables.values()} & arrays.keys())
    is_paddle = num_theirs > num_ours or (num_theirs == num_ours and contents.format == "pdparams")
    renamed = {}
    known = set()
    for name, variable in variables.items():
        source = variable.name if is_paddle else name
        if source in arrays:
            known.add(source)
            array = arrays[source]
            renamed[name] = array.T if is_paddle and variable.transposed else array
    return renamed, tuple(name for name in arrays if name not in known and not name.endswith(UNCOUNTED))


def _log(report: WeightsReport) -> None:
    """Say what was not loaded: in a warning, unless the file only has more than the model needs."""
    harmless = not (report.missing or report.mismatched)
    text = "\n".join(filter(None, (report.table(limit=10), report.hint())))
    if report.share < SUSPICIOUS:
        text += f"\nThis is less than half of {report.model}: is it the right file?"
    logger.log(logging.INFO if harmless else logging.WARNING, "%s\n%s", report.source, text)
