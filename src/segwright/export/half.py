"""Weights in half precision: a file of half the size, computed with in float32 as before."""

from pathlib import Path

import numpy as np

from segwright.errors import ExportError

SMALLEST = 1024  # numbers; biases and scales are a thousandth of a file, and losing their digits would show


def halve_weights(graph: Path) -> None:
    """Rewrite an ONNX file with its weights in float16, each turned back into float32 where the graph reads it.

    Engines do the turning back once, when they load the file.

    Raises:
        ExportError: a weight is too large for float16, whose largest number is 65504.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    proto = onnx.load(graph)
    casts = []
    for weight in proto.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ExportError(
                f"the weight {weight.name} holds {np.abs(values).max():.3g}, and float16 ends at 65504: export with "
                "--precision fp32"
            )
        name = weight.name
        halved = f"{name}_half"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), halved))
        casts.append(helper.make_node("Cast", [halved], [name], name=f"{name}_float", to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, str(graph))


def has_half_weights(graph: Path) -> bool:
    """Whether ``halve_weights`` has rewritten an ONNX file."""
    import onnx

    proto = onnx.load(graph, load_external_data=False)
    return any(weight.data_type == onnx.TensorProto.FLOAT16 for weight in proto.graph.initializer)
