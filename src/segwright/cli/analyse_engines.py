"""``segwright analyse model --engines``: the same forward pass on exported models, beside torch's."""

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from segwright.errors import SegwrightError

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from segwright.bundle import Format
    from segwright.engine.block_times import Block
    from segwright.runtime import Engine
    from segwright.runtime.layer_times import LayerTime

ROUNDS, REPEATS = 5, 2  # in which the engines take turns

FORMATS: "dict[str, Format]" = {"onnxruntime": "onnx", "openvino": "onnx", "executorch": "executorch"}
"""What a model is exported to for an engine. torch itself needs no file: it runs the model."""

log = logging.getLogger("segwright")


@dataclass(frozen=True)
class EngineTime:
    """A forward pass on an engine.

    Attributes:
        name: as ``--engines`` says.
        title: library, version, and what of it computes.
        milliseconds: median time of the whole pass.
        layers: times of the layers; None if the engine does not tell.
    """

    name: str
    title: str
    milliseconds: float
    layers: "list[LayerTime] | None"


@dataclass(frozen=True)
class BlockTimes:
    """A block of the model, and its milliseconds on each engine that tells, where it appears."""

    name: str
    kind: str
    milliseconds: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """One forward pass on several engines.

    Attributes:
        threads: that each computes with.
        engines: torch first.
        blocks: in the model's order; last, without a name, what engines add on their own.
    """

    threads: int
    engines: list[EngineTime]
    blocks: list[BlockTimes]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def compare(model: "nn.Module", shape: Sequence[int], names: Sequence[str], *, threads: int, skip: bool) -> Comparison:
    """Measure a model in torch, and what is exported of it on engines, all on its device.

    Args:
        model: as it is to be measured.
        shape: N, C, H, W of the input.
        names: engines.
        threads: that each computes with.
        skip: leave out engines that are not installed or cannot run it, with a line that says why.

    Raises:
        SegwrightError: one cannot, and ``skip`` is not set.
    """
    import torch

    from segwright.engine.block_times import block_times
    from segwright.engine.evaluation import evaluating
    from segwright.engine.model_analysis import forward_seconds, random_image
    from segwright.runtime.turns import take_turns

    image = random_image(model, shape)
    batch = image.cpu().contiguous().numpy()
    with ExitStack() as stack:
        exports = _Exports(model, shape, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        opened: dict[str, tuple[Engine, list[LayerTime] | None]] = {}
        for name in names:
            if name == "torch":
                continue
            try:
                opened[name] = _open(name, exports, threads, batch)
            except SegwrightError as error:
                if not skip:
                    raise
                log.info("%s is left out: %s", name, error)
        blocks = block_times(model, image)
        stack.enter_context(evaluating(model))
        sides: dict[str, Callable[[], float]] = {"torch": lambda: forward_seconds(model, image)}
        sides |= {name: _timer(engine, batch) for name, (engine, _) in opened.items()}
        seconds = take_turns(sides, rounds=ROUNDS, repeats=REPEATS)
    times = {name: 1000 * median(values) for name, values in seconds.items()}
    title = f"PyTorch {torch.__version__} ({image.device.type}, eager)"
    return Comparison(
        threads,
        [
            EngineTime("torch", title, times["torch"], None),
            *(EngineTime(name, engine.title, times[name], layers) for name, (engine, layers) in opened.items()),
        ],
        _joined(blocks, {name: layers for name, (_, layers) in opened.items() if layers is not None}),
    )


class _Exports:
    """Files of a model in a temporary folder, each format written when it is first asked for."""

    def __init__(self, model: "nn.Module", shape: Sequence[int], folder: Path) -> None:
        self.device = "gpu" if next(model.parameters()).device.type == "cuda" else "cpu"
        self._model, self._shape, self._folder = model, shape, folder
        self._files: dict[Format, Path] = {}

    def file(self, file_format: "Format") -> Path:
        """The one of a format."""
        from segwright.export.deployed import Deployed
        from segwright.export.formats import WRITERS

        if file_format not in self._files:
            batch, channels, height, width = self._shape
            (folder := self._folder / file_format).mkdir()
            deployed = Deployed(self._model, "none")  # so that the graph ends where the model does
            written = WRITERS[file_format](deployed, folder, folder, (batch, channels, height, width))
            self._files[file_format] = written.model
        return self._files[file_format]


def _open(name: str, exports: _Exports, threads: int, batch: "np.ndarray") -> "tuple[Engine, list[LayerTime] | None]":
    """The engine with the model, and its times of layers."""
    from segwright.runtime import EngineOptions, open_engine
    from segwright.runtime.engines import layer_times, require

    require(name)
    options = EngineOptions(engine=name, device=exports.device, cpu_threads=threads)  # type: ignore[arg-type]
    engine = open_engine(exports.file(FORMATS[name]), FORMATS[name], options)
    return engine, layer_times(exports.file(FORMATS[name]), FORMATS[name], options, batch)


def _timer(engine: "Engine", batch: "np.ndarray") -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        engine.run(batch)
        return time.perf_counter() - start

    return run


def _joined(blocks: "Sequence[Block]", engines: "dict[str, list[LayerTime]]") -> list[BlockTimes]:
    """The engines' layers in the blocks that the nodes come from after which they are named."""
    from segwright.engine.block_times import block_of

    found = {block.name: BlockTimes(block.name, block.kind, {"torch": block.milliseconds}) for block in blocks}
    added = BlockTimes("", "added by the engine", {})
    for name, layers in engines.items():
        for layer in layers:
            block = found[block_of(_module(layer.nodes[0]), found)] if layer.nodes else added
            block.milliseconds[name] = block.milliseconds.get(name, 0.0) + layer.milliseconds
    return [*found.values(), added]


def _module(node: str) -> str:
    """The module in a node's name, ``module/operation``; the model itself for its output, whose name has none."""
    module, slash, _ = node.partition("/")
    return module if slash else ""


def show(found: Comparison, model: str, count: int) -> None:
    """The whole pass on each engine, then the blocks that are slowest on any of them."""
    from rich import get_console
    from rich.table import Table

    console = get_console()
    slow = found.engines[0].milliseconds
    table = Table(title=f"A forward pass, --cpu_threads {found.threads}")
    table.add_column("engine", overflow="fold")
    for heading in ("ms", "faster than torch"):
        table.add_column(heading, justify="right")
    for engine in found.engines:
        table.add_row(engine.title, f"{engine.milliseconds:.1f}", f"{slow / engine.milliseconds:.2f} x")
    console.print(table)

    told = [engine for engine in found.engines if engine.name == "torch" or engine.layers is not None]
    shown = sorted(found.blocks, key=lambda block: -_weight(block, told))[:count]
    table = Table(
        title=f"Milliseconds of the {len(shown)} blocks, of {len(found.blocks)}, that take most on any engine",
        caption="A block is a module with what it computes itself and the layers directly in it; what an engine fuses "
        "from several blocks counts in one of them. Layers are timed one by one: they need not add up to the whole.",
    )
    table.add_column("block", overflow="fold")
    table.add_column("kind")
    for engine in told:
        table.add_column(engine.name, justify="right")
    for block in shown:
        times = [block.milliseconds.get(engine.name) for engine in told]
        name = block.name or ("" if block is found.blocks[-1] else model)
        table.add_row(name, block.kind, *("-" if time is None else f"{time:.2f}" for time in times))
    console.print(table)
    for engine in found.engines:
        if engine not in told:
            console.print(f"{engine.title} does not tell the times of its layers.", highlight=False)


def _weight(block: BlockTimes, engines: Sequence[EngineTime]) -> float:
    """Its largest share of a pass on an engine."""
    return max(block.milliseconds.get(engine.name, 0.0) / engine.milliseconds for engine in engines)
