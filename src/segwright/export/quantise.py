"""int8 by ONNX Runtime's quantiser: ranges of the activations, the graph with them in it, and the noise that it adds.

Post-training static quantisation (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018): activations become uint8 with one scale and zero point a tensor, weights
int8 with a scale for each output channel. The graph holds QuantizeLinear and DequantizeLinear pairs (QDQ), which both
ONNX Runtime and OpenVINO turn into integer kernels.
"""

import contextlib
import io
import logging
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from segwright.errors import ConfigError, ExportError, suggest
from segwright.export.deployed import INPUT

if TYPE_CHECKING:
    import onnx

Method = Literal["percentile", "entropy", "minmax"]

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
BETWEEN = (
    *("Add", "Mul", "Relu", "Clip", "Sigmoid", "Concat", "Resize", "Pad"),
    *("MaxPool", "AveragePool", "GlobalAveragePool"),
)
"""Operators that integers flow through: where one is left out, its neighbours convert to float32 and back."""

SETTINGS: dict[Method, dict[str, Any]] = {
    "percentile": {"percentile": 99.99, "symmetric": False},
    # The calibrator's own 128 bins are as many as the levels that it keeps, which leaves it nothing to choose.
    "entropy": {"num_bins": 1024, "num_quantized_bins": 128},
    "minmax": {},
}


class Quantiser:
    """A float32 graph whose activations were watched on calibration pictures.

    Attributes:
        pictures: how many inputs were watched.
        layers: names of the operators that can go to int8, in the order of the graph. What comes after the last one
            with weights, the resizing of the logits and the argmax, is not among them.

    Args:
        graph: the ONNX file.
        scratch: folder for what is needed on the way.
        batches: inputs of the network.
        method: how a range is taken from the values seen: ``minmax`` all of them; ``percentile`` without the outermost
            one in 10,000; ``entropy`` what loses least information (Migacz, "8-bit Inference with TensorRT", GTC 2017).

    Raises:
        ConfigError: no such method, or no pictures.
        ExportError: the graph cannot be calibrated.
    """

    def __init__(self, graph: Path, scratch: Path, batches: Iterable[np.ndarray], method: Method) -> None:
        if method not in get_args(Method):
            raise ConfigError(f"calibration method '{method}': {suggest(method, get_args(Method), list_all=True)}")
        import onnx

        self._graph, self._scratch, self._method = graph, scratch, method
        self._ranges = scratch / "ranges.json"
        self._proto = onnx.load(graph, load_external_data=False)
        self.layers = _quantisable(self._proto)
        self._calibrate(batches)

    def write(self, path: Path, kept: Collection[str] = ()) -> None:
        """Write the graph with all layers in int8 but those ``kept`` in float32."""
        from onnxruntime.quantization import QuantType, quantize_static

        with _quiet():
            quantize_static(
                self._graph,
                path,
                None,
                op_types_to_quantize=[*WEIGHTED, *BETWEEN],
                nodes_to_quantize=[name for name in self.layers if name not in kept],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=self._calibration_method(),
                calibration_cache_path=self._ranges,
            )

    def noisiest(self, quantised: Path, batches: Iterable[np.ndarray]) -> list[str]:
        """The layers, those first whose integers add most noise to what they were given.

        The noise of a tensor is |int8 - float32|^2 / |float32|^2; what a layer adds is that of its result less that of
        the noisiest tensor which it reads.

        Args:
            quantised: what ``write`` made, nothing kept.
            batches: inputs to measure on. All activations of one are in memory at once.
        """
        noise: dict[str, float] = {}
        for batch in batches:
            for tensor, found in self._noise(quantised, batch).items():
                noise[tensor] = noise.get(tensor, 0.0) + found
        made_by = {output: node for node in self._proto.graph.node for output in node.output}
        added = dict.fromkeys(self.layers, 0.0)
        for tensor, found in noise.items():
            nodes, read = _fused(tensor, made_by, noise)
            more = found - max((noise[name] for name in read), default=0.0)
            for name in nodes & added.keys():
                added[name] = max(added[name], more)
        return sorted(self.layers, key=lambda name: -added[name])

    def _calibrate(self, batches: Iterable[np.ndarray]) -> None:
        from onnxruntime.quantization import create_calibrator, save_tensors_data

        self.pictures = 0
        try:
            with _quiet():
                calibrator = create_calibrator(
                    self._graph,
                    [*WEIGHTED, *BETWEEN],
                    augmented_model_path=str(self._scratch / "watched.onnx"),
                    calibrate_method=self._calibration_method(),
                    extra_options=SETTINGS[self._method],
                )
            for batch in batches:
                with _quiet():  # one by one: a calibrator keeps all activations of what it is handed at once
                    calibrator.collect_data(_reader(batch))
                self.pictures += 1
            if not self.pictures:
                raise ConfigError("int8 wants calibration pictures, and there are none: give a folder of them")
            with _quiet():
                save_tensors_data(calibrator.compute_data(), self._ranges)
        except (RuntimeError, ValueError) as error:
            raise ExportError(f"the graph cannot be calibrated for int8: {' '.join(str(error).split())}") from error

    def _noise(self, quantised: Path, batch: np.ndarray) -> dict[str, float]:
        from onnxruntime.quantization import qdq_loss_debug as compare

        activations = []
        for graph in (quantised, self._graph):
            shown = self._scratch / "shown.onnx"
            compare.modify_model_output_intermediate_tensors(graph, shown)
            activations.append(compare.collect_activations(str(shown), _reader(batch)))
        matched = compare.create_activation_matching(*activations)
        return {
            tensor: float(np.sum((found["post_qdq"][0] - wanted[0]) ** 2) / max(np.sum(wanted[0] ** 2), 1e-12))
            for tensor, found in matched.items()
            if (wanted := found.get("float"))
        }

    def _calibration_method(self) -> Any:
        from onnxruntime.quantization import CalibrationMethod

        names = {"percentile": "Percentile", "entropy": "Entropy", "minmax": "MinMax"}
        return CalibrationMethod[names[self._method]]


def _quantisable(proto: "onnx.ModelProto") -> list[str]:
    """Names of the operators on float32 that have an int8 form, up to the last one with weights."""
    import onnx

    nodes = proto.graph.node
    floats = {info.name for info in proto.graph.value_info if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    last = max((number for number, node in enumerate(nodes) if node.op_type in WEIGHTED), default=-1)
    return [
        node.name for node in nodes[: last + 1] if node.op_type in (*WEIGHTED, *BETWEEN) and node.output[0] in floats
    ]


def _fused(tensor: str, made_by: dict[str, "onnx.NodeProto"], noise: Collection[str]) -> tuple[set[str], set[str]]:
    """Names of the nodes between a tensor and those before it whose noise is known, and these tensors."""
    nodes: set[str] = set()
    read: set[str] = set()
    behind = [tensor]
    while behind:
        node = made_by.get(behind.pop())
        if node is None or node.name in nodes:
            continue
        nodes.add(node.name)
        read.update(name for name in node.input if name in noise)
        behind += [name for name in node.input if name not in noise]
    return nodes, read


def _reader(batch: np.ndarray) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class One(CalibrationDataReader):
        """A single input."""

        def __init__(self) -> None:
            self._left = iter([{INPUT: batch}])

        def get_next(self) -> Any:
            return next(self._left, None)

    return One()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the quantiser's prints and advice off the console."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it speaks through the root logger
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)
