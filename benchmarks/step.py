"""One training step on random data beside PaddleSeg's: forward, losses, backward, update."""

import argparse
import sys

from benchmarks.cases import CASES
from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.worker import Worker


def main() -> None:
    """Measure both sides in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    add_common(parser)
    add_turns(parser)
    args = parser.parse_args()

    case = CASES[args.case]
    with (
        Watch() as watch,
        Worker(
            sys.executable, "benchmarks.ours.step", [args.case, "--threads", args.threads], threads=args.threads
        ) as ours,
        Worker(args.peer, "benchmarks.peer.step", [args.case], threads=args.threads) as peer,
    ):
        seconds = take_turns(
            {"segwright": ours, "PaddleSeg": peer}, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats
        )
    title = f"batch {'x'.join(map(str, case.step))}, {case.num_classes} classes, {args.threads} threads"
    text = comparison(title, seconds, against="PaddleSeg")
    publish(args.document, f"{args.case}_step", f"{text}\n\n{watch.describe([ours.versions, peer.versions])}")


if __name__ == "__main__":
    main()
