"""Training samples a second by the number of reader processes, beside PaddleSeg's: the readers alone, no training."""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Watch, add_common, add_turns, publish, table, take_turns
from benchmarks.pipelines import BATCH_SIZE, PIPELINES
from benchmarks.reading import enlarge
from benchmarks.worker import Worker


def main() -> None:
    """Measure both sides in turns for each number, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    add_turns(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="pictures, labels and their list")
    parser.add_argument("--num_workers", type=int, nargs="+", default=[0, 1, 2, 4], metavar="N")
    parser.set_defaults(threads=1, rounds=3, repeats=12)
    args = parser.parse_args()

    rows: list[Sequence[str]] = []
    with tempfile.TemporaryDirectory() as folder, Watch() as watch:
        data = enlarge(args.data.resolve(), Path(folder), PIPELINES["cityscapes"])
        for number in args.num_workers:
            command = ["cityscapes", "--data", data, "--threads", args.threads, "--num_workers", number]
            with (
                Worker(sys.executable, "benchmarks.ours.reading", command, threads=args.threads) as ours,
                Worker(args.peer, "benchmarks.peer.reading", command, threads=args.threads) as peer,
            ):
                sides = {"segwright": ours, "PaddleSeg": peer}
                seconds = take_turns(sides, rounds=args.rounds, repeats=args.repeats, warmup=1)
            rates = {name: BATCH_SIZE / statistics.fmean(times) for name, times in seconds.items()}
            ratio = rates["segwright"] / rates["PaddleSeg"]
            rows.append([f"{number}", f"{rates['segwright']:.0f}/s", f"{rates['PaddleSeg']:.0f}/s", f"{ratio:.1f} x"])
    text = table(["reader processes", "segwright", "PaddleSeg", "faster"], rows)
    publish(args.document, "reader_processes", f"{text}\n\n{watch.describe([ours.versions, peer.versions])}")


if __name__ == "__main__":
    main()
