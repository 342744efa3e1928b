"""Batch normalisations of an ONNX graph, folded into the convolutions before them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx

DEFAULT_EPSILON = 1e-5  # of ONNX's BatchNormalization


def fold_batch_norms(proto: "onnx.ModelProto") -> None:
    """Replace each ``BatchNormalization(Conv(x))`` by a convolution with other weights, in place.

    With s = scale / sqrt(variance + epsilon), the weights become ``s W`` and the bias ``s (b - mean) + offset``. One
    pass over the graph, unlike the rules of onnxscript's optimiser, which search all of it for each node: one of ten
    thousand nodes was not done after 25 minutes. Normalisations behind anything else stay.
    """
    from onnx import numpy_helper

    graph = proto.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    num_readers: dict[str, int] = {output.name: 1 for output in graph.output}
    for node in graph.node:
        for name in node.input:
            num_readers[name] = num_readers.get(name, 0) + 1

    def array(name: str) -> np.ndarray:
        return numpy_helper.to_array(constants[name])

    folded: dict[tuple[str | bytes, ...], tuple[str, str]] = {}  # shared weights stay shared
    gone = set()
    for norm in graph.node:
        conv = made_by.get(norm.input[0]) if norm.op_type == "BatchNormalization" else None
        if conv is None or conv.op_type != "Conv" or num_readers[conv.output[0]] > 1:
            continue
        if not all(name in constants for name in (*conv.input[1:], *norm.input[1:])):
            continue
        bias = array(conv.input[2]) if len(conv.input) > 2 else np.float32(0)
        # By value, since the exporter writes a bias of zeros for each application of a convolution that has none.
        sources = (conv.input[1], bias.tobytes(), *norm.input[1:])
        if sources not in folded:
            scale, offset, mean, variance = (array(name) for name in norm.input[1:])
            epsilon = next((item.f for item in norm.attribute if item.name == "epsilon"), DEFAULT_EPSILON)
            weight = array(conv.input[1])
            factor = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
            names = (f"{conv.input[1]}.folded_{len(folded)}", f"{norm.input[2]}.folded_{len(folded)}")
            kernels = weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))
            for name, value in zip(names, (kernels, factor * (bias - mean) + offset), strict=True):
                graph.initializer.append(numpy_helper.from_array(value.astype(weight.dtype), name))
            folded[sources] = names
        del conv.input[1:]
        conv.input.extend(folded[sources])
        conv.output[0] = norm.output[0]
        gone.add(norm.output[0])

    _keep(graph.node, lambda node: not (node.op_type == "BatchNormalization" and node.output[0] in gone))
    read = {name for node in graph.node for name in node.input}
    _keep(graph.initializer, lambda tensor: tensor.name in read)


def _keep(items: Any, wanted: Callable[[Any], bool]) -> None:
    """Remove the others from a repeated field, in place: to fill it anew would copy all weights."""
    for index in reversed(range(len(items))):
        if not wanted(items[index]):
            del items[index]
