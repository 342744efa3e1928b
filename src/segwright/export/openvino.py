"""OpenVINO's own files: ``model.xml`` and ``model.bin``, made from the ONNX graph."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from segwright.bundle import Shape
from segwright.errors import ExportError, MissingExtraError
from segwright.export import onnx
from segwright.export.deployed import Deployed, Written
from segwright.export.half import has_half_weights

NAME = "model.xml"


def write(
    model: Deployed, folder: Path, scratch: Path, input_shape: Shape, lower: Callable[[Path], None] | None = None
) -> Written:
    """Write ``model.xml`` and ``model.bin`` into ``folder``, and their twins that give logits into ``scratch``.

    ``lower`` may rewrite the ONNX graph in less than float32.

    Raises:
        MissingExtraError: OpenVINO, or a library for ONNX, is not installed.
        ExportError: the model cannot be written.
    """
    if find_spec("openvino") is None:
        raise MissingExtraError("export to OpenVINO", "openvino")
    (graphs := scratch / "graphs").mkdir()
    (twins := scratch / "twins").mkdir()
    graph, logits = onnx.write(model, graphs, scratch, input_shape, lower)
    _convert(graph, folder / NAME)
    if logits == graph:
        return Written(folder / NAME, folder / NAME)
    _convert(logits, twins / NAME)
    return Written(folder / NAME, twins / NAME)


def _convert(graph: Path, path: Path) -> None:
    import openvino

    try:
        converted = openvino.convert_model(graph)  # which turns weights in float16 into float32
        openvino.save_model(converted, path, compress_to_fp16=has_half_weights(graph))
    except RuntimeError as error:
        raise ExportError(f"OpenVINO {openvino.__version__} cannot convert the ONNX graph: {error}") from error
