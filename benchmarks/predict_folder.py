"""How many real pictures a second are predicted, from files to label maps and overlays, beside PaddleSeg's predict."""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Watch, add_common, publish, quartiles, table, take_turns
from benchmarks.worker import Worker


def main() -> None:
    """Measure all sides in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="pictures; sub-folders do not count")
    parser.add_argument(
        "--model_path", type=Path, required=True, metavar="FILE", help=".pdparams of BiSeNetV2 with 11 classes"
    )
    parser.add_argument("--count", type=int, default=100, metavar="N", help="pictures to predict in a run")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each side")
    args = parser.parse_args()

    command = [args.data.resolve(), args.model_path.resolve(), "--count", args.count, "--threads", args.threads]
    with (
        Watch() as watch,
        Worker(sys.executable, "benchmarks.ours.predict", command, threads=args.threads) as ours,
        Worker(
            sys.executable, "benchmarks.ours.predict", [*command, "--precision", "bf16"], threads=args.threads
        ) as rounded,
        Worker(args.peer, "benchmarks.peer.predict_folder", command, threads=args.threads) as peer,
    ):
        sides = {"segwright": ours, "segwright --precision bf16": rounded, "PaddleSeg": peer}
        seconds = take_turns(sides, rounds=args.rounds, repeats=1, warmup=1)
    text = rates(f"{args.count} pictures, {args.threads} threads", seconds, args.count)
    publish(args.document, "predict_folder", f"{text}\n\n{watch.describe([ours.versions, peer.versions])}")


def rates(title: str, seconds: Mapping[str, Sequence[float]], count: int, *, against: str = "PaddleSeg") -> str:
    """Pictures a second, and how many times faster each side is than one of them, as a table."""
    slow = statistics.median(seconds[against])
    rows = []
    for name, times in seconds.items():
        first, median, third = quartiles(times)
        spread = f"{count / third:.1f} to {count / first:.1f}"
        rows.append(
            [name, f"{count / median:.1f}", spread, f"{1000 * median / count:.0f} ms", f"{slow / median:.1f} x"]
        )
    return table([title, "pictures/s", "middle half", "a picture", "faster than PaddleSeg"], rows)


if __name__ == "__main__":
    main()
