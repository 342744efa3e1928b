"""How fast one reader makes training samples of picture files, beside PaddleSeg's: decoding and all transforms."""

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image

from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.pipelines import PIPELINES, Pipeline
from benchmarks.worker import Worker

NUM_ENLARGED = 12  # pictures; every one is read several times


def main() -> None:
    """Measure both sides in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=PIPELINES)
    add_common(parser)
    add_turns(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="pictures, labels and their list")
    parser.set_defaults(threads=1, repeats=12)
    args = parser.parse_args()

    pipeline = PIPELINES[args.pipeline]
    with tempfile.TemporaryDirectory() as folder:
        data = args.data.resolve()
        if pipeline.enlarged:
            data = enlarge(data, Path(folder), pipeline)
        command = [args.pipeline, "--data", data, "--threads", args.threads]
        with (
            Watch() as watch,
            Worker(sys.executable, "benchmarks.ours.reading", command, threads=args.threads) as ours,
            Worker(args.peer, "benchmarks.peer.reading", command, threads=args.threads) as peer,
        ):
            sides = {"segwright": ours, "PaddleSeg": peer}
            seconds = take_turns(sides, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats)
    text = comparison(f"one sample, {args.threads} thread(s)", seconds, against="PaddleSeg")
    publish(args.document, f"reading_{args.pipeline}", f"{text}\n\n{watch.describe([ours.versions, peer.versions])}")


def enlarge(data: Path, folder: Path, pipeline: Pipeline) -> Path:
    """Copies of some pictures and label maps at the size, and in the format, of those that are stood in for."""
    assert pipeline.enlarged
    lines = []
    for number, line in enumerate((data / pipeline.train_list).read_text(encoding="utf-8").splitlines()[:NUM_ENLARGED]):
        image, label = line.split()
        Image.open(data / image).resize(pipeline.enlarged, Image.Resampling.BICUBIC).save(folder / f"{number}.png")
        Image.open(data / label).resize(pipeline.enlarged, Image.Resampling.NEAREST).save(
            folder / f"{number}_label.png"
        )
        lines.append(f"{number}.png {number}_label.png\n")
    (folder / pipeline.train_list).write_text("".join(lines), encoding="utf-8")
    return folder


if __name__ == "__main__":
    main()
