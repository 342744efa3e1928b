"""A program for ExecuTorch: ``model.pte``, for phones and small boards, computed by XNNPACK."""

from importlib.util import find_spec
from pathlib import Path

from segwright.bundle import Shape
from segwright.errors import ConfigError, MissingExtraError
from segwright.export.deployed import Deployed, Written
from segwright.export.int8 import ToInt8
from segwright.export.torch_program import traced
from segwright.export.xnnpack import save
from segwright.export.xnnpack_int8 import XnnpackQuantiser

NAME = "model.pte"


def write(model: Deployed, folder: Path, scratch: Path, input_shape: Shape, lower: ToInt8 | None = None) -> Written:
    """Write ``folder/model.pte``, and its twin that gives logits into ``scratch``.

    ``lower`` chooses the layers that compute in int8.

    Raises:
        MissingExtraError: ExecuTorch is not installed.
        ConfigError: a size is left open: ExecuTorch plans all memory before.
        ExportError: the model cannot be written, or loses too much in int8.
    """
    if find_spec("executorch") is None:
        raise MissingExtraError("export to ExecuTorch", "executorch")
    if min(input_shape) < 0:
        raise ConfigError(
            "--format executorch: ExecuTorch plans its memory before it runs, so the size has to be known: give "
            "--input_shape N C H W"
        )
    name, twin = type(model.model).__name__, model.twin()
    if lower is not None:
        quantiser = XnnpackQuantiser(model, input_shape, lower.batches(), lower.calibration.method)
        kept = lower.fewest_in_float(quantiser, folder / NAME, "executorch")
        if twin is not None:
            quantiser.write_logits(scratch / NAME, kept)
    else:
        save(traced(model, input_shape), folder / NAME, name)
        if twin is not None:
            save(traced(twin, input_shape), scratch / NAME, name)
    return Written(folder / NAME, folder / NAME if twin is None else scratch / NAME)
