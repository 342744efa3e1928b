"""A torch model as an ONNX graph that ends in labels, probabilities or logits."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from segwright.bundle import OutputOp, Shape
from segwright.errors import ExportError, MissingExtraError, SegwrightError
from segwright.export.fold import fold_batch_norms

if TYPE_CHECKING:
    import onnx

OPSET = 18  # the newest that every ONNX engine of the last years reads
INPUT, OUTPUTS = "image", {"argmax": "label", "softmax": "probs", "none": "logits"}
OUTPUT_DTYPES: dict[OutputOp, str] = {"argmax": "int32", "softmax": "float32", "none": "float32"}

# Sizes to trace with where any will do. Odd, and of no common divisor: a model that only works for even sizes, or
# only where height equals width, must show it. A batch of 1 would be taken for a constant. Large, because models that
# pool with a fixed window want pictures of some size; nothing is computed while a model is traced.
TRACED = {0: 2, 2: 1603, 3: 1667}
AXES = {0: "N", 2: "H", 3: "W"}


class Deployed(nn.Module):
    """The part of a model that predictions need: its first output in evaluation, and what is done to it.

    Args:
        model: gives a list of logits, the first of them to be predicted from. It is copied, so that its mode,
            device and weights stay what they are.
        output_op: how the graph ends.
    """

    def __init__(self, model: nn.Module, output_op: OutputOp) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().float()
        self.output_op = output_op
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, H, W) float32 -> (N, H, W) int32 labels, or (N, num_classes, H, W) float32 scores."""
        return self.finish(self.logits(image))

    def logits(self, image: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, num_classes, H, W)."""
        return self.model(image)[0]

    def finish(self, logits: Tensor) -> Tensor:
        """Apply ``output_op``."""
        if self.output_op == "argmax":
            return logits.argmax(dim=1).to(torch.int32)  # int32 is what PaddleSeg's exports give
        return logits.softmax(dim=1) if self.output_op == "softmax" else logits


def write_onnx(model: Deployed, path: Path, input_shape: Shape) -> None:
    """Write ``model`` as an ONNX file, without the heads that only training needs, batch norms folded.

    The graph comes from ``torch.export``, whose symbolic sizes keep padding and resizing right at any size. (The older
    tracing exporter leaves four times as many nodes, which cost ONNX Runtime a third of its speed.)

    Args:
        model: what to write.
        path: the file.
        input_shape: N, C, H, W of the input; -1 where any number is to do.

    Raises:
        MissingExtraError: the libraries for ONNX are not installed.
        ExportError: the model cannot be written, or not for free sizes.
    """
    try:
        import onnx
        from onnxscript import optimizer  # which torch's exporter needs too
    except ImportError as error:
        raise MissingExtraError("export to ONNX", "onnx") from error

    free = {axis: name for axis, name in AXES.items() if input_shape[axis] < 0}
    shape = [TRACED[axis] if axis in free else size for axis, size in enumerate(input_shape)]
    try:
        with _quiet():
            program = torch.onnx.export(
                model,
                (torch.zeros(shape),),
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
            f"{_reason(error)}{hint}"
        ) from error
    fold_batch_norms(proto)
    _strip_notes(proto)
    proto = onnx.shape_inference.infer_shapes(proto)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, str(path))


def with_logits(proto: "onnx.ModelProto", output_op: OutputOp) -> tuple["onnx.ModelProto", str]:
    """A copy of a graph that also gives out what enters its final argmax or softmax, and the name of that output."""
    import onnx

    name = proto.graph.output[0].name
    if output_op == "none":
        return proto, name
    made_by = {output: node for node in proto.graph.node for output in node.output}
    while made_by[name].op_type not in ("ArgMax", "Softmax"):
        name = made_by[name].input[0]
    logits = made_by[name].input[0]
    opened = onnx.ModelProto()
    opened.CopyFrom(proto)
    opened.graph.output.append(onnx.helper.make_tensor_value_info(logits, onnx.TensorProto.FLOAT, None))
    return opened, logits


def _strip_notes(proto: "onnx.ModelProto") -> None:
    """Drop the exporter's notes on every node: source lines and paths of this machine, a tenth of a small file."""
    graph = proto.graph
    for item in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer, graph):
        del item.metadata_props[:]
        item.doc_string = ""
    del graph.value_info[:]  # inferred anew below, with shapes in the names of the input's axes


def _reason(error: BaseException) -> str:
    """What the model itself said, below what the exporter made of it; else the exporter's first lines."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, SegwrightError):
            return str(link)
        link = link.__cause__ or link.__context__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:4]) or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's remarks on itself off the console."""
    loggers: list[Any] = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
