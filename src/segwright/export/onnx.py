"""A torch model as an ONNX graph that ends in labels, probabilities or logits."""

import math
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from segwright.bundle import OutputOp, Shape
from segwright.errors import ExportError, MissingExtraError
from segwright.export.deployed import INPUT, OUTPUTS, Deployed, Written, example, free_axes, reason
from segwright.export.fold import fold_batch_norms
from segwright.export.node_names import name_by_module
from segwright.export.quiet import quiet

if TYPE_CHECKING:
    import onnx

OPSET = 18  # the newest that every ONNX engine of the last years reads
NAME, TWIN_NAME = "model.onnx", "logits.onnx"
WEIGHTS_NAME = "model.onnx.data"
MOST_IN_ONE_FILE = 1 << 30  # bytes of weights; protobuf cannot hold twice as many, and is copied as it is checked
SMALL = 256  # numbers of a tensor that stays in the graph: shapes, which are read as it is checked
TALKATIVE = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")  # loggers
PAGE = 4096  # bytes that weights begin at a multiple of, so that engines can map them


def write(
    model: Deployed, folder: Path, scratch: Path, input_shape: Shape, lower: Callable[[Path], None] | None = None
) -> Written:
    """Write ``folder/model.onnx``, and its twin that gives logits into ``scratch``; see ``write_onnx``.

    ``lower`` may rewrite the file in less than float32.

    Where weights have a file of their own, the twin lies beside it and shares it: engines follow no paths or links out
    of a model's folder.
    """
    require_onnx()
    import onnx

    proto = write_onnx(model, folder / NAME, input_shape)
    if lower is not None:
        if (folder / WEIGHTS_NAME).exists():
            raise ExportError("a model whose weights take more than a gigabyte is exported with --precision fp32 only")
        lower(folder / NAME)
        proto = onnx.load(folder / NAME)
    if model.twin() is None:
        return Written(folder / NAME, folder / NAME)
    twin = folder / TWIN_NAME if (folder / WEIGHTS_NAME).exists() else scratch / NAME
    onnx.save(logits_graph(proto, model.output_op), str(twin))
    return Written(folder / NAME, twin)


def require_onnx() -> None:
    """Fail at once where the libraries are missing.

    Raises:
        MissingExtraError: the libraries for ONNX are not installed.
    """
    if not all(find_spec(name) for name in ("onnx", "onnxscript")):
        raise MissingExtraError("export to ONNX", "onnx")


def write_onnx(model: Deployed, path: Path, input_shape: Shape) -> "onnx.ModelProto":
    """Write ``model`` as an ONNX file, without the heads that only training needs, batch norms folded.

    Weights of more than ``MOST_IN_ONE_FILE`` bytes go to ``model.onnx.data`` beside it, as ONNX's "external data".

    The graph comes from ``torch.export``, whose symbolic sizes keep padding and resizing right at any size. (The older
    tracing exporter leaves four times as many nodes, which cost ONNX Runtime a third of its speed.)

    Args:
        model: what to write.
        path: the file.
        input_shape: N, C, H, W of the input; -1 where any number is to do.

    Returns:
        The graph; weights in a file of their own are only named in it.

    Raises:
        MissingExtraError: the libraries for ONNX are not installed.
        ExportError: the model cannot be written, or not for free sizes.
    """
    require_onnx()
    import onnx
    from onnxscript import optimizer  # which torch's exporter needs too

    free = free_axes(model, input_shape)
    try:
        with quiet(*TALKATIVE):
            program = torch.onnx.export(
                model,
                (example(model, input_shape),),
                input_names=[INPUT],
                output_names=[OUTPUTS[model.output_op]],
                opset_version=OPSET,
                dynamic_shapes=(free,) if free else None,
                dynamo=True,
                verbose=False,
                optimize=False,
            )
            assert program is not None
            optimizer.fold_constants(program.model)
            optimizer.remove_unused_nodes(program.model)
        proto = program.model_proto
    except Exception as error:  # torch.export and its translators raise whatever they met
        hint = "; for one size only: --input_shape N C H W" if free else ""
        raise ExportError(
            f"torch cannot export {type(model.model).__name__} with input shape {list(input_shape)}: "
            f"{reason(error)}{hint}"
        ) from error
    fold_batch_norms(proto)
    name_by_module(proto, root="model")
    _strip_notes(proto)
    if _weight_bytes(proto) > MOST_IN_ONE_FILE:
        _move_weights(proto, path.parent)
    proto = onnx.shape_inference.infer_shapes(proto)
    onnx.save(proto, str(path))
    onnx.checker.check_model(str(path), full_check=True)
    return proto


def _weight_bytes(proto: "onnx.ModelProto") -> int:
    """Of the weights, which are float32 nearly all."""
    return 4 * sum(math.prod(tensor.dims) for tensor in proto.graph.initializer)


def _move_weights(proto: "onnx.ModelProto", folder: Path) -> None:
    """Write the weights of a graph to a file, and leave in it where they are; shapes and other small numbers stay."""
    from onnx.external_data_helper import set_external_data

    with (folder / WEIGHTS_NAME).open("wb") as file:
        for tensor in proto.graph.initializer:
            if math.prod(tensor.dims) >= SMALL:
                file.seek(-file.tell() % PAGE, os.SEEK_CUR)
                set_external_data(tensor, WEIGHTS_NAME, file.tell(), file.write(tensor.raw_data))
                tensor.ClearField("raw_data")


def logits_graph(proto: "onnx.ModelProto", output_op: OutputOp) -> "onnx.ModelProto":
    """A copy of a graph that gives out what enters its final argmax or softmax, or, with neither, its last resizing."""
    import onnx

    opened = onnx.ModelProto()
    opened.CopyFrom(proto)
    last = {"argmax": "ArgMax", "softmax": "Softmax", "none": "Resize"}[output_op]
    name = proto.graph.output[0].name
    made_by = {output: node for node in proto.graph.node for output in node.output}
    while made_by[name].op_type != last:
        name = made_by[name].input[0]
    del opened.graph.output[:]
    opened.graph.output.append(onnx.helper.make_tensor_value_info(made_by[name].input[0], onnx.TensorProto.FLOAT, None))
    return opened


def _strip_notes(proto: "onnx.ModelProto") -> None:
    """Drop the exporter's notes on every node: source lines and paths of this machine, a tenth of a small file."""
    graph = proto.graph
    for item in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.value_info[:]  # inferred anew below, with shapes in the names of the input's axes
