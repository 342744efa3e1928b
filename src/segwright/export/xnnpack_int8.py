"""int8 by torchao's quantiser with XNNPACK's rules: ranges of the activations, the program, and the noise it adds.

The scheme is that of ``quantise.py``, for programs of ``torch.export`` instead of ONNX graphs: activations become int8
with one scale and zero point a tensor, weights int8 with a scale for each output channel. Which operators have integer
kernels XNNPACK's quantiser knows: convolutions and linear layers with the ReLU behind them, sums, products,
concatenations and average pooling. Sigmoids, softmax and resizing compute in float32 between them.
"""

import copy
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter, Node

from segwright.bundle import Shape
from segwright.errors import ConfigError, ExportError
from segwright.export.deployed import Deployed, example, reason
from segwright.export.quantise import Method
from segwright.export.quiet import quiet
from segwright.export.torch_program import traced
from segwright.export.xnnpack import TALKATIVE, save

TAIL = 0.00005  # of the values, below and above, that the method percentile leaves outside of the range


class XnnpackQuantiser:
    """A float32 program whose activations were watched on calibration pictures.

    Attributes:
        pictures: how many inputs were watched.
        layers: names of the operators that can go to int8, ``module/operator``, in the order of the program.

    Args:
        model: what to quantise.
        input_shape: N, C, H, W.
        batches: inputs of the network.
        method: how a range is taken from the values seen: ``minmax`` all of them, ``percentile`` without the outermost
            one in 10,000.

    Raises:
        ConfigError: a method that XNNPACK's quantiser does not have, or no pictures.
        ExportError: the model cannot be quantised.
    """

    def __init__(self, model: Deployed, input_shape: Shape, batches: Iterable[np.ndarray], method: Method) -> None:
        if method not in ("percentile", "minmax"):
            raise ConfigError(
                f"calibration method '{method}': for the format executorch there are percentile and minmax; choose "
                "one of them, or --format onnx"
            )
        self._model, self._method = model, method
        self._name, self._example = type(model.model).__name__, example(model, input_shape)
        self._float = traced(model.twin() or model, input_shape).module(check_guards=False)
        self._watched = self._prepared(self._float)
        self._names = {node.name: _name(node) for node in self._watched.graph.nodes if _is_layer(node)}
        self.layers = list(self._names.values())
        self._latest: tuple[frozenset[str], GraphModule] | None = None
        self.pictures = 0
        with torch.no_grad():
            for batch in batches:
                self._watched(torch.from_numpy(batch))
                self.pictures += 1
        if not self.pictures:
            raise ConfigError("int8 wants calibration pictures, and there are none: give a folder of them")

    def write(self, path: Path, kept: Collection[str] = ()) -> None:
        """Write the program with all layers in int8 but those ``kept`` in float32."""
        self._save(Ended(self._quantised(kept), self._model), path)

    def write_logits(self, path: Path, kept: Collection[str] = ()) -> None:
        """The same, but it gives logits."""
        self._save(self._quantised(kept), path)

    def noisiest(self, quantised: Path, batches: Iterable[np.ndarray]) -> list[str]:  # noqa: ARG002
        """The layers, those first whose integers add most noise to what they were given.

        The noise of a tensor is |int8 - float32|^2 / |float32|^2; what a layer adds is that of its result less that of
        the noisiest tensor which it reads.

        Args:
            quantised: the file of all layers in int8, which tells nothing about its tensors: the program is asked.
            batches: inputs to measure on. All activations of one are in memory at once.
        """
        program = self._quantised(())
        added = dict.fromkeys(self.layers, 0.0)
        for batch in batches:
            exact, rounded = _Values(self._float).of(batch), _Values(program).of(batch)
            noise = {name: _noise(rounded[name], value) for name, value in exact.items() if name in rounded}
            for node in self._float.graph.nodes:
                if node.name in self._names:
                    given = max((noise.get(source.name, 0.0) for source in node.all_input_nodes), default=0.0)
                    added[self._names[node.name]] += noise.get(_end(node).name, 0.0) - given
        return sorted(self.layers, key=lambda name: -added[name])

    def _quantised(self, kept: Collection[str]) -> GraphModule:
        """The program with integers in it; the latest one is remembered."""
        layers = frozenset(kept)
        if self._latest is None or self._latest[0] != layers:
            self._latest = layers, self._converted(layers)
        return self._latest[1]

    def _converted(self, kept: Collection[str]) -> GraphModule:
        """The program with integers in it. Ranges are those that were seen, whatever is kept."""
        prepared = self._prepared(self._float, kept)
        seen = _observers(self._watched)
        for tensor, place in _observers(prepared).items():
            prepared.set_submodule(place, self._watched.get_submodule(seen[tensor]))
        with self._torchao():
            from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e

            return convert_pt2e(prepared)

    def _prepared(self, program: GraphModule, kept: Collection[str] = ()) -> GraphModule:
        """A copy with an observer on every tensor that will be integers."""
        with self._torchao():
            from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer
            from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

            quantizer = XNNPACKQuantizer().set_global(_configuration(self._method))
            quantizer.set_filter_function(lambda node: _name(node) not in kept)
            return prepare_pt2e(copy.deepcopy(program), quantizer)

    @contextmanager
    def _torchao(self) -> Iterator[None]:
        """Keep its remarks off the console, and tell its errors as ours."""
        try:
            with quiet(*TALKATIVE):
                yield
        except Exception as error:  # it raises whatever it met
            raise ExportError(f"{self._name} cannot be quantised for XNNPACK: {reason(error)}") from error

    def _save(self, network: nn.Module, path: Path) -> None:
        with quiet(*TALKATIVE):
            program = torch.export.export(network, (self._example,))
        save(program, path, self._name)


class Ended(nn.Module):
    """A network that gives logits, and what the model does with them.

    Args:
        network: input -> logits.
        model: says how it ends.
    """

    def __init__(self, network: nn.Module, model: Deployed) -> None:
        super().__init__()
        self.network = network
        self._finish = model.finish  # a method, so that the model's weights are no part of this module

    def forward(self, image: Tensor) -> Tensor:
        """Labels or scores, as ``Deployed`` gives them."""
        return self._finish(self.network(image), image)


def _configuration(method: Method) -> Any:
    """XNNPACK's integers, with ranges by the method."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import get_symmetric_quantization_config
    from torchao.quantization.pt2e import HistogramObserver, MinMaxObserver

    class Percentile(HistogramObserver):
        """The range without the outermost values."""

        def calculate_qparams(self) -> tuple[Tensor, Tensor]:
            share = self.histogram.cumsum(0) / self.histogram.sum()
            width = (self.max_val - self.min_val) / self.bins
            first, last = (share <= TAIL).sum(), (share < 1 - TAIL).sum()
            return self._calculate_qparams(self.min_val + width * first, self.min_val + width * (last + 1))

    observer = {"percentile": Percentile, "minmax": MinMaxObserver}[method]
    config = get_symmetric_quantization_config(is_per_channel=True)
    activation = replace(config.input_activation, observer_or_fake_quant_ctr=observer.with_args(eps=2**-12))
    return replace(config, input_activation=activation, output_activation=activation)


def _is_layer(node: Node) -> bool:
    """Whether a node of a watched program is an operator that may compute in integers."""
    from executorch.backends.xnnpack.quantizer import xnnpack_quantizer as rules

    operators = (
        *(rules.CONV_TARGETS | rules.CONV_TRANSPOSE_TARGETS | rules.LINEAR_TARGETS | rules.ADD_TARGETS),
        *(rules.MUL_TARGETS | rules.CAT_TARGETS | rules.ADAPTIVE_AVG_POOL2D_TARGETS),
    )
    return node.target in operators and any(source.op == "call_module" for source in node.all_input_nodes)


def _observers(program: GraphModule) -> dict[str, str]:
    """Places of a watched program's observers, by the name of the tensor that each sees."""
    return {node.args[0].name: node.target for node in program.graph.nodes if node.op == "call_module"}


def _name(node: Node) -> str:
    """``module/operator``."""
    modules = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    return f"{modules[-1].removeprefix('model.')}/{node.name}" if modules else node.name


def _end(node: Node) -> Node:
    """The ReLU that is computed together with a layer, or the layer."""
    users = list(node.users)
    return users[0] if len(users) == 1 and users[0].name.startswith("relu") else node


class _Values(Interpreter):
    """Runs a program and keeps all its tensors."""

    def __init__(self, program: GraphModule) -> None:
        super().__init__(program, garbage_collect_values=False)

    def of(self, batch: np.ndarray) -> dict[str, Tensor]:
        """The floating point tensors by name, each as its readers get it: rounded where it becomes integers."""
        with torch.inference_mode():
            self.run(torch.from_numpy(batch))
        return {
            node.name: self.env[_read(node)]
            for node, value in self.env.items()
            if isinstance(value, Tensor) and value.is_floating_point()
        }


def _read(node: Node) -> Node:
    """A tensor behind its conversion to integers and back, where there is one."""
    for user in node.users:
        if str(user.target).startswith("quantized_decomposed.quantize"):
            return next(iter(user.users))
    return node


def _noise(rounded: Tensor, exact: Tensor) -> float:
    return float(((rounded - exact) ** 2).sum() / (exact**2).sum().clamp(min=1e-12))
