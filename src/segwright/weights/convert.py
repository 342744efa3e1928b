"""A file of weights in another format."""

from pathlib import Path

import torch
from torch import nn

from segwright.weights.load import fit, require_all
from segwright.weights.read import Contents
from segwright.weights.report import WeightsReport
from segwright.weights.write import write_tensors


def convert_weights(model: nn.Module, contents: Contents, target: str | Path) -> WeightsReport:
    """Write the variables of ``model`` in a file under the names, and in the layout, of another format.

    Args:
        model: tells names and layouts; may be on the meta device, for its values do not matter.
        contents: the file that was read.
        target: the file to write, whole or not at all; its extension is the format, as in ``save_weights``.

    Raises:
        WeightsError: file and model do not agree in every variable.
        OSError: the file cannot be written.
    """
    report, arrays = fit(model, contents)
    require_all(report)
    write_tensors(model, {name: torch.from_numpy(array) for name, array in arrays.items()}, target)
    return report
