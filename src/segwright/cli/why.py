"""``segwright why RUN_A RUN_B``: what differed between two runs, and what came of it."""

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("why", help="explain why two runs differ", description=__doc__)
    what = "--save_dir of a training, one of its iter_N, or its best_model"
    parser.add_argument("run_a", type=Path, metavar="RUN_A", help=what)
    parser.add_argument("run_b", type=Path, metavar="RUN_B", help="the same of the other run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Compare, print, write the JSON."""
    from dataclasses import asdict

    from segwright import atomic
    from segwright.cli.why_tables import print_comparison
    from segwright.report.comparison import compare_runs
    from segwright.report.run_folder import read_run

    if args.json:
        atomic.ensure_folder(args.json.parent)
    a, b = read_run(args.run_a), read_run(args.run_b)
    comparison = compare_runs(a, b)
    print_comparison(a, b, comparison)
    if args.json:
        names = {name: {"path": str(each.path), "iteration": each.iteration} for name, each in (("a", a), ("b", b))}
        atomic.write_json(args.json, {**names, **asdict(comparison)})
