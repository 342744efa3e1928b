"""One training step of BiSeNetV2, random data: forward, five cross entropies, backward, update."""

import argparse
import sys

from benchmarks.measure import Watch, add_common, milliseconds, publish, ratio, table, take_turns
from benchmarks.worker import Worker

SHAPE = (4, 3, 256, 256)
NUM_CLASSES = 11


def main() -> None:
    """Measure both sides in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    parser.add_argument("--rounds", type=int, default=6, metavar="N", help="turns of each side")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="steps a turn")
    args = parser.parse_args()

    setting = ["--shape", *SHAPE, "--num_classes", NUM_CLASSES]
    with (
        Watch() as watch,
        Worker(
            sys.executable, "benchmarks.ours.step", [*setting, "--threads", args.threads], threads=args.threads
        ) as ours,
        Worker(args.peer, "benchmarks.peer.step", setting, threads=args.threads) as peer,
    ):
        seconds = take_turns(
            {"segwright": ours, "PaddleSeg": peer}, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats
        )
    rows = [[name, *milliseconds(times), ratio(seconds["PaddleSeg"], times)] for name, times in seconds.items()]
    title = f"batch {'x'.join(map(str, SHAPE))}, {NUM_CLASSES} classes, {args.threads} threads"
    text = table([title, "median", "middle half", "faster than PaddleSeg"], rows)
    publish(args.document, "bisenet_step", f"{text}\n\n{watch.describe([ours.versions, peer.versions])}")


if __name__ == "__main__":
    main()
