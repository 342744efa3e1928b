"""Sliding windows over one image: several windows at a time, one at a time, and PaddleSeg's."""

import argparse
import sys

from benchmarks.cases import CASES, SLIDING
from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.worker import Worker


def main() -> None:
    """Measure all in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    add_common(parser)
    add_turns(parser)
    args = parser.parse_args()

    setting = [args.case, "--threads", args.threads]
    ours = "benchmarks.ours.sliding"
    with (
        Watch() as watch,
        Worker(sys.executable, ours, setting, threads=args.threads) as batched,
        Worker(sys.executable, ours, [*setting, "--batch_pixels", 1], threads=args.threads) as single,
        Worker(args.peer, "benchmarks.peer.forward", [args.case, "--is_slide"], threads=args.threads) as paddle,
    ):
        workers = {"segwright": batched, "segwright --batch_pixels 1": single, "PaddleSeg": paddle}
        seconds = take_turns(workers, rounds=args.rounds, repeats=args.repeats, warmup=1)
    case = CASES[args.case]
    windows = f"windows of {SLIDING['crop_size'][0]}, {SLIDING['stride'][0]} apart"
    title = f"image {'x'.join(map(str, case.forward))}, {windows}, {args.threads} threads"
    text = comparison(title, seconds, against="PaddleSeg")
    versions = [worker.versions for worker in workers.values()]
    publish(args.document, f"{args.case}_sliding", f"{text}\n\n{watch.describe(sorted(set(versions)))}")


if __name__ == "__main__":
    main()
