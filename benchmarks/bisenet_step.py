"""One training step of BiSeNetV2, random data: forward, five cross entropies, backward, update."""

import argparse
import sys

from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.worker import Worker

SHAPE = (4, 3, 256, 256)
NUM_CLASSES = 11


def main() -> None:
    """Measure both sides in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    add_turns(parser)
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
    title = f"batch {'x'.join(map(str, SHAPE))}, {NUM_CLASSES} classes, {args.threads} threads"
    text = comparison(title, seconds, against="PaddleSeg")
    publish(args.document, "bisenet_step", f"{text}\n\n{watch.describe([ours.versions, peer.versions])}")


if __name__ == "__main__":
    main()
