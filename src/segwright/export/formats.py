"""The kinds of files that a model can be exported to. A further one is a module with ``write``, and a line here."""

from collections.abc import Callable
from pathlib import Path

from segwright.bundle import Format, Shape
from segwright.export import executorch, onnx, openvino, torch_program
from segwright.export.deployed import Deployed, Written

Writer = Callable[[Deployed, Path, Path, Shape], Written]
"""Writes a model into a folder, its twin that gives logits into another, for an input shape."""

THROUGH_ONNX: dict[Format, Callable[..., Written]] = {"onnx": onnx.write, "openvino": openvino.write}
"""Writers of an ONNX graph that may be rewritten in less than float32 on the way: they take ``lower``."""

LOWERING: dict[Format, Callable[..., Written]] = {**THROUGH_ONNX, "executorch": executorch.write}
"""Writers that take ``lower`` for int8."""

WRITERS: dict[Format, Writer] = {
    **LOWERING,
    "torch": torch_program.write,
}
