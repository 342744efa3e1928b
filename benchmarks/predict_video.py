"""How many frames a second of a video become a video of overlays, beside PaddleSeg's predict.

PaddleSeg's reads pictures only. It gets the frames as JPEG files; cutting the video into them, and putting its overlays
together again, is not counted.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import cv2

from benchmarks.measure import Watch, add_common, publish, take_turns
from benchmarks.predict_folder import rates
from benchmarks.worker import Worker


def main() -> None:
    """Measure all sides in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="a video")
    parser.add_argument(
        "--model_path", type=Path, required=True, metavar="FILE", help=".pdparams of BiSeNetV2 with 11 classes"
    )
    parser.add_argument("--count", type=int, default=50, metavar="N", help="frames to predict in a run")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each side")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        width, height = cut(args.data, Path(folder), args.count)
        flags = [args.model_path.resolve(), "--threads", args.threads]
        ours = ["benchmarks.ours.predict", [Path(folder) / "short.mp4", *flags]]
        pictures = [Path(folder) / "frames", *flags, "--count", args.count]
        with (
            Watch() as watch,
            Worker(sys.executable, *ours, threads=args.threads) as exact,
            Worker(sys.executable, ours[0], [*ours[1], "--precision", "bf16"], threads=args.threads) as rounded,
            Worker(args.peer, "benchmarks.peer.predict_folder", pictures, threads=args.threads) as peer,
        ):
            sides = {"segwright": exact, "segwright --precision bf16": rounded, "PaddleSeg, frames as files": peer}
            seconds = take_turns(sides, rounds=args.rounds, repeats=1, warmup=1)
    title = f"{args.count} frames of {width}x{height}, {args.threads} threads"
    text = rates(title, seconds, args.count, against="PaddleSeg, frames as files")
    publish(args.document, "predict_video", f"{text}\n\n{watch.describe([exact.versions, peer.versions])}")


def cut(video: Path, folder: Path, count: int) -> tuple[int, int]:
    """The first frames, as ``short.mp4`` and as ``frames/*.jpg``; returns their width and height."""
    source = cv2.VideoCapture(str(video))
    size = (int(source.get(cv2.CAP_PROP_FRAME_WIDTH)), int(source.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    sink = cv2.VideoWriter(
        str(folder / "short.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), source.get(cv2.CAP_PROP_FPS), size
    )
    (folder / "frames").mkdir()
    for number in range(count):
        there, frame = source.read()
        if not there:
            raise SystemExit(f"{video} has only {number} frames; lower --count")
        sink.write(frame)
        cv2.imwrite(str(folder / f"frames/{number:04d}.jpg"), frame)
    sink.release()
    return size


if __name__ == "__main__":
    main()
