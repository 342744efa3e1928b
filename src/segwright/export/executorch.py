"""A program for ExecuTorch: ``model.pte``, for phones and small boards, computed by XNNPACK."""

from importlib.util import find_spec
from pathlib import Path

from segwright.bundle import Shape
from segwright.errors import ConfigError, ExportError, MissingExtraError
from segwright.export.deployed import Deployed, Written, reason
from segwright.export.torch_program import traced

NAME = "model.pte"


def write(model: Deployed, folder: Path, scratch: Path, input_shape: Shape) -> Written:
    """Write ``folder/model.pte``, and its twin that gives logits into ``scratch``.

    Raises:
        MissingExtraError: ExecuTorch is not installed.
        ConfigError: a size is left open: ExecuTorch plans all memory before.
        ExportError: the model cannot be written.
    """
    if find_spec("executorch") is None:
        raise MissingExtraError("export to ExecuTorch", "executorch")
    if min(input_shape) < 0:
        raise ConfigError(
            "--format executorch: ExecuTorch plans its memory before it runs, so the size has to be known: give "
            "--input_shape N C H W"
        )
    _lower(model, folder / NAME, input_shape)
    twin = model.twin()
    if twin is None:
        return Written(folder / NAME, folder / NAME)
    _lower(twin, scratch / NAME, input_shape)
    return Written(folder / NAME, scratch / NAME)


def _lower(model: Deployed, path: Path, input_shape: Shape) -> None:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = traced(model, input_shape)
    try:
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    except Exception as error:  # it raises whatever it met
        raise ExportError(f"ExecuTorch cannot take {type(model.model).__name__}: {reason(error)}") from error
    path.write_bytes(lowered.buffer)
