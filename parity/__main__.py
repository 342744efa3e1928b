"""Print, case by case, how far our numbers are from PaddleSeg's: ``python -m parity [FOLDER | FOLDER/CASE ...]``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from parity import configs, inference, losses, metrics, models, optimizers, schedules, transforms
from parity.comparison import Comparison
from parity.table import HEADING, begin, put, row, section, summary

REFERENCE = Path(os.environ.get("SEGWRIGHT_SHARED", "../shared")) / "reference"
CASES = {
    "models": models.cases,
    "losses": losses.cases,
    "metrics": metrics.cases,
    "transforms": transforms.cases,
    "schedules": schedules.cases,
    "optimizers": optimizers.cases,
    "inference": inference.cases,
    "configs": configs.cases,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare; 1 where a difference is larger than it may be."""
    parser = argparse.ArgumentParser(prog="python -m parity", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="FOLDER[/CASE]", help="folders and recordings; default: all")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="folder of the folders of recordings")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between their marks in this file")
    args = parser.parse_args(arguments)

    chosen: dict[str, list[Comparison]] = {}
    for what in args.what or CASES:
        folder, _, name = what.partition("/")
        if folder not in CASES:
            parser.error(f"there is no folder {folder}, but {', '.join(CASES)}")
        cases = [case for case in CASES[folder](args.reference / folder) if name in ("", case.name)]
        if not cases:
            parser.error(f"no recording {what} in {args.reference}; give --reference or set SEGWRIGHT_SHARED")
        if args.write and (name or begin(folder) not in args.write.read_text(encoding="utf-8")):
            parser.error(f"--write takes whole folders, and a page with the line {begin(folder)}")
        chosen.setdefault(folder, []).extend(cases)

    failed = False
    for folder, cases in chosen.items():
        print(f"\n{folder}\n\n{HEADING}")
        outcomes = []
        for case in cases:
            outcomes.append(case.outcome())
            print(row(outcomes[-1]), flush=True)
        print(f"\n{summary(outcomes)}", flush=True)
        failed |= any(outcome.failed for outcome in outcomes)
        if args.write:
            put(args.write, folder, section(outcomes))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
