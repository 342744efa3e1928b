"""Print, case by case, how far models differ from PaddleSeg's: ``python -m parity [CASE ...]``."""

import argparse
import os
import sys
from pathlib import Path

from parity.compare import compare
from parity.recipe import Case
from segwright.build import components  # noqa: F401 - fills the registries
from segwright.registry import BACKBONES, MODELS

REFERENCE = Path(os.environ.get("SEGWRIGHT_SHARED", "../shared")) / "reference" / "models"
BEGIN, END = "<!-- table: python -m parity --write docs/parity.md -->", "<!-- end of table -->"


def covered(path: Path) -> bool:
    """Whether the recorded model is one that segwright has."""
    block = Case.read(path).facts["model"]
    backbone = block.get("backbone")
    return block["type"] in MODELS and (backbone is None or backbone["type"] in BACKBONES)


def main() -> int:
    """Compare; 1 where a difference is larger than it may be."""
    parser = argparse.ArgumentParser(prog="python -m parity", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names of recordings; default: all that can be built")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="folder of the recordings")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the two marks in this file")
    args = parser.parse_args()
    paths = [args.reference / name for name in args.cases]
    if not paths:
        paths = [path for path in sorted(args.reference.glob("*.json")) if covered(path)]
    if not paths:
        parser.error(f"no recordings in {args.reference}; give --reference or set SEGWRIGHT_SHARED")

    lines, failed = [], 0
    for heading in ("| case | largest difference | allowed | of | verdict |", "|---|---|---|---|---|"):
        lines.append(heading)
        print(heading)
    for path in paths:
        differences = compare(Case.read(path))
        worst = max(differences, key=lambda difference: difference.value / difference.tolerance)
        verdict = "same" if worst.ok else "DIFFERS"
        failed += not worst.ok
        lines.append(f"| {path.stem} | {worst.value:.1e} | {worst.tolerance:.1e} | {worst.kind} | {verdict} |")
        print(lines[-1], flush=True)
    print(f"{len(paths) - failed} of {len(paths)} cases agree with PaddleSeg.")
    if args.write:
        text = args.write.read_text()
        before, after = text.partition(BEGIN)[0], text.partition(END)[2]
        args.write.write_text("\n".join([f"{before}{BEGIN}\n", *lines, "", f"{END}{after}"]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
