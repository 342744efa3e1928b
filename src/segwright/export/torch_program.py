"""A program of ``torch.export``: ``model.pt2``, which PyTorch runs without the code of the model."""

from pathlib import Path

import torch
from torch.export.graph_signature import TensorArgument

from segwright.bundle import Shape
from segwright.errors import ExportError
from segwright.export.deployed import Deployed, Written, example, free_axes, reason
from segwright.layers.fold import folded

NAME = "model.pt2"


def write(model: Deployed, folder: Path, scratch: Path, input_shape: Shape) -> Written:
    """Write ``folder/model.pt2``, and its twin that gives logits into ``scratch``.

    Raises:
        ExportError: the model cannot be written, or not for free sizes.
    """
    torch.export.save(traced(model, input_shape), folder / NAME)
    twin = model.twin()
    if twin is None:
        return Written(folder / NAME, folder / NAME)
    torch.export.save(traced(twin, input_shape), scratch / NAME)
    return Written(folder / NAME, scratch / NAME)


def traced(model: Deployed, input_shape: Shape) -> torch.export.ExportedProgram:
    """The model as a program, batch norms folded into the convolutions before them, without what only training needs.

    Raises:
        ExportError: ``torch.export`` cannot follow the model, or not for free sizes.
    """
    free = free_axes(model, input_shape)
    dims = {axis: torch.export.Dim.DYNAMIC if axis in free else torch.export.Dim.STATIC for axis in range(4)}
    try:
        program = torch.export.export(
            folded(model),
            (example(model, input_shape),),
            dynamic_shapes=(dims,),
            prefer_deferred_runtime_asserts_over_guards=True,  # guards would fix what only tiny pictures break
        )
        program.example_inputs = None  # which would be most of the file
        _drop_unused(program)
        return program
    except Exception as error:  # it raises whatever it met
        hint = "; for one size only: --input_shape N C H W" if free else ""
        raise ExportError(
            f"torch cannot export {type(model.model).__name__} with input shape {list(input_shape)}: "
            f"{reason(error)}{hint}"
        ) from error


def _drop_unused(program: torch.export.ExportedProgram) -> None:
    """Remove weights that nothing reads, in place: those of further heads, which would go into the file."""
    unused = {node.name: node for node in program.graph.find_nodes(op="placeholder") if not node.users}
    specs = program.graph_signature.input_specs
    for spec in list(specs):
        if spec.target in program.state_dict and isinstance(spec.arg, TensorArgument) and spec.arg.name in unused:
            program.graph.erase_node(unused[spec.arg.name])
            specs.remove(spec)
            del program.state_dict[spec.target]
