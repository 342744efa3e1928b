"""The nodes of an ONNX graph, named after the modules that they come from: what a profile or a viewer shows."""

import ast
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

SCOPES = "pkg.torch.onnx.name_scopes"  # the exporter's note on a node: names of the modules around it, and its own


def name_by_module(proto: "onnx.ModelProto", root: str) -> None:
    """Name each node, and what it gives, ``module/operation``, in place: ``backbone.stem.0.conv/conv2d_3``.

    Engines name what they make of several nodes after a node or after a value, so both bear the module's name. The
    graph's inputs, outputs and weights keep theirs.

    Args:
        proto: with the exporter's notes.
        root: name of the module whose name is left out, as all others are in it.
    """
    graph = proto.graph
    kept = {output.name for output in graph.output}
    renamed: dict[str, str] = {}
    for node in graph.node:
        notes = {note.key: note.value for note in node.metadata_props}
        if SCOPES not in notes:
            continue
        _, *modules, _ = ast.literal_eval(notes[SCOPES])
        module = modules[-1] if modules else ""
        node.name = f"{'' if module == root else module.removeprefix(f'{root}.')}/{node.name.removeprefix('node_')}"
        for number, value in enumerate(node.output):
            if value and value not in kept:
                renamed[value] = f"{node.name}:{number}" if number else node.name
        node.output[:] = [renamed.get(value, value) for value in node.output]
    _rename_inputs(graph.node, renamed)


def _rename_inputs(nodes: "Iterable[onnx.NodeProto]", renamed: Mapping[str, str]) -> None:
    """Of these nodes, and of the graphs in them."""
    for node in nodes:
        node.input[:] = [renamed.get(value, value) for value in node.input]
        for attribute in node.attribute:
            _rename_inputs(attribute.g.node, renamed)
