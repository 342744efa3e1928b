"""``segwright analyse ...``: where time goes, and what a model costs."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.analyse_model import add_model
from segwright.cli.analyse_speed import add_speed
from segwright.cli.flags import add_config, natural, positive
from segwright.cli.section import add_section

if TYPE_CHECKING:
    from segwright.engine.data_time import DataTime


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser("analyse", help="show where time goes, and what a model costs", description=__doc__)
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=type(parser))
    add_data(actions)
    add_model(actions)
    add_speed(actions)


def add_data(actions: argparse._SubParsersAction) -> None:
    """``segwright analyse data``."""
    parser = actions.add_parser(
        "data",
        help="time of each stage on a sample's way from its files to a batch",
        description="Make samples as training does, in one thread, and show how long each stage takes, how many "
        "samples a reader makes in a second, and how many readers a training step of a given length needs.",
    )
    add_config(parser)
    add_section(parser)
    parser.add_argument("--samples", type=positive, default=50, metavar="N", help="how many to make, chosen at random")
    parser.add_argument(
        "--num_workers",
        type=natural,
        default=0,
        metavar="N",
        help="also measure this many readers together; default: none",
    )
    parser.add_argument(
        "--step_ms", type=float, metavar="MS", help="time of a training step: tells how many readers keep up with it"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers as JSON")
    parser.set_defaults(run=run_data)


def run_data(args: argparse.Namespace) -> None:
    """Measure, print, write the JSON."""
    from segwright import atomic
    from segwright.build import load_config
    from segwright.cli.setup import build_data
    from segwright.engine.data_time import batches_per_second, measure
    from segwright.engine.readers import keep_memory
    from segwright.errors import ConfigError

    if args.step_ms is not None and args.step_ms <= 0:
        raise ConfigError(f"--step_ms is the time of a training step in milliseconds, got {args.step_ms:g}")
    if args.json:
        atomic.ensure_folder(args.json.parent)
    config = load_config(args.config, args.opts)
    config.require(args.section, purpose="to read its data")
    dataset = build_data(config, args.section)
    batch_size = config.batch_size if dataset.mode == "train" else 1  # as evaluation takes them
    keep_memory()  # as readers do
    time = measure(dataset, samples=args.samples, batch_size=batch_size)
    report = summary(time, batch_size, args.step_ms)
    if args.num_workers:
        rate = batches_per_second(dataset, args.num_workers, samples=args.samples, batch_size=batch_size) * batch_size
        report["measured"] = {"num_workers": args.num_workers, "samples_per_second": rate}
    show(report)
    if args.json:
        atomic.write_json(args.json, report)


def summary(time: "DataTime", batch_size: int, step_ms: float | None) -> dict[str, Any]:
    """What was measured as plain data; times in milliseconds."""
    report: dict[str, Any] = {
        "samples": time.num_samples,
        "batch_size": batch_size,
        "stages": [
            {"stage": stage, "median_ms": time.median(stage), "share": time.share(stage)} for stage in time.stages
        ],
        "sample_ms": time.sample_ms,
        "samples_per_second": 1000 / time.sample_ms,
        "decoded_mb": time.decoded_bytes / 2**20,
    }
    if step_ms is not None:
        report["step_ms"] = step_ms
        report["readers_needed"] = math.ceil(batch_size * time.sample_ms / step_ms)
    return report


def show(report: dict[str, Any]) -> None:
    """The table, and what follows from it in words."""
    from rich import get_console
    from rich.table import Table

    table = Table()
    table.add_column("stage")
    for title in ("median ms", "share"):
        table.add_column(title, justify="right")
    for row in report["stages"]:
        table.add_row(row["stage"], f"{row['median_ms']:.2f}", f"{row['share']:.1%}")
    console = get_console()
    console.print(table)
    batch_size, sample_ms = report["batch_size"], report["sample_ms"]
    speed = f"{report['samples_per_second']:.1f} samples/s ({sample_ms:.1f} ms each)"
    lines = [f"One reader makes {speed}: a batch of {batch_size} every {batch_size * sample_ms:.0f} ms."]
    if "measured" in report:
        measured = report["measured"]
        lines.append(
            f"Measured with --num_workers {measured['num_workers']}: {measured['samples_per_second']:.1f} samples/s."
        )
    if "step_ms" in report:
        lines.append(
            f"Steps of {report['step_ms']:g} ms need --num_workers {report['readers_needed']}, on as many free cores."
        )
    lines.append(f"All pictures and label maps decoded take {math.ceil(report['decoded_mb'])} MB.")
    console.print("\n".join(lines), highlight=False)
