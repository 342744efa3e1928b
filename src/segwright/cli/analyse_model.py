"""``segwright analyse model``: parameters, multiply-adds, memory of activations, and the time of each layer."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.engine_flags import add_engines, engines_of
from segwright.cli.flags import add_config, add_device, positive

if TYPE_CHECKING:
    from segwright.engine.model_analysis import ModelCost

SHOWN = 15  # layers in the table unless asked otherwise


def add_model(actions: argparse._SubParsersAction) -> None:
    """``segwright analyse model``."""
    parser = actions.add_parser(
        "model",
        help="parameters, multiply-adds, memory of activations, and the time of each layer",
        description="Run a model on random numbers and show what it costs: parameters, multiply-adds, memory of "
        "activations, time of a forward pass, and the layers that take most of it; with --engines, the same on other "
        "engines, for which it is exported to a temporary folder.",
    )
    add_config(parser)
    parser.add_argument(
        "--input_shape",
        type=positive,
        nargs=4,
        default=(1, 3, 512, 1024),
        metavar=("N", "C", "H", "W"),
        help="of the pictures, height before width; default: 1 3 512 1024",
    )
    parser.add_argument(
        "--layers", type=positive, default=SHOWN, metavar="N", help="slowest layers, or with --engines blocks, to list"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures, of all layers, as JSON")
    add_engines(
        parser,
        "also time it on these engines: onnxruntime, openvino, executorch, or all of them that are installed and can "
        "run it; torch, as the model stands in Python, is always timed; default: torch alone",
    )
    add_device(parser)
    parser.set_defaults(run=run_model)


def run_model(args: argparse.Namespace) -> None:
    """Measure, print, write the JSON."""
    import torch

    from segwright import atomic
    from segwright.build import load_config
    from segwright.cli import analyse_engines
    from segwright.cli.setup import build_model_with_weights
    from segwright.engine.device import select_device
    from segwright.engine.model_analysis import cost
    from segwright.engine.readers import keep_memory
    from segwright.runtime import EngineOptions

    engines, skip = engines_of(args.engines)
    if args.json:
        atomic.ensure_folder(args.json.parent)
    config = load_config(args.config, args.opts)
    config.require("model", purpose="to analyse it")
    keep_memory()
    threads = EngineOptions(cpu_threads=args.cpu_threads).threads
    torch.set_num_threads(threads)
    model = build_model_with_weights(config, None).to(select_device(args.device))
    name, found = type(model).__name__, cost(model, args.input_shape)
    report: dict[str, Any] = asdict(found)
    if engines:
        compared = analyse_engines.compare(model, args.input_shape, engines, threads=threads, skip=skip)
        found = replace(found, milliseconds=compared.engines[0].milliseconds)
        report |= {"milliseconds": found.milliseconds, **compared.to_dict()}
        show(name, found)
        analyse_engines.show(compared, name, args.layers)
    else:
        show(name, found)
        show_layers(found, args.layers)
    if args.json:
        atomic.write_json(args.json, report)


def show(name: str, found: "ModelCost") -> None:
    """The summary."""
    from rich import get_console

    peak, outputs = found.peak_bytes / 2**20, found.output_bytes / 2**20
    lines = [
        f"{name}, input {'x'.join(map(str, found.input_shape))}",
        f"parameters      {found.parameters / 1e6:.3f} million ({found.parameters * 4 / 2**20:.1f} MB as float32)",
        f"multiply-adds   {found.multiply_adds / 1e9:.3f} billion",
        f"activations     {peak:.0f} MB at once in evaluation; about {outputs:.0f} MB are kept in training",
        f"forward pass    {found.milliseconds:.1f} ms",
    ]
    get_console().print("\n".join(lines), highlight=False)


def show_layers(found: "ModelCost", count: int) -> None:
    """A table of the slowest layers."""
    from rich import get_console
    from rich.table import Table

    title = f"The {min(count, len(found.layers))} slowest of {len(found.layers)} layers"
    table = Table(title=title, caption="MMACs: million multiply-adds")
    table.add_column("layer", overflow="fold")
    table.add_column("kind")
    for heading in ("output", "params", "MMACs", "ms", "share"):
        table.add_column(heading, justify="right")
    total = sum(layer.milliseconds for layer in found.layers)
    for layer in sorted(found.layers, key=lambda layer: -layer.milliseconds)[:count]:
        table.add_row(
            layer.name,
            layer.kind,
            "x".join(map(str, layer.output_shape)),
            f"{layer.parameters:,}",
            f"{layer.multiply_adds / 1e6:,.1f}",
            f"{layer.milliseconds:.2f}",
            f"{layer.milliseconds / total:.1%}",
        )
    get_console().print(table)
