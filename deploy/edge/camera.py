"""Draw what a model sees over a camera's picture, a video or pictures, and say how fast that is.

    python3 camera.py --config export/deploy.yaml --source 0
    python3 camera.py --config export/deploy.yaml --source drive.mp4 --headless --save out.mp4

Beside the engine (onnxruntime or openvino) it needs numpy, opencv-python (opencv-python-headless with --headless),
pillow and pyyaml.
"""

import argparse
import signal
import time
from pathlib import Path
from statistics import median

from arguments import add_model, positive, run_program
from errors import EdgeError
from frames import Source, open_source
from preprocessing import label_map
from segmenter import Segmenter
from showing import Sink, open_sink

STATUS = 5  # seconds between two lines about the speed


def main() -> int:
    """Read the command line, and loop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_model(parser)
    parser.add_argument(
        "--source",
        default="0",
        metavar="WHAT",
        help="a camera's number or device, a stream's address, a video, or a folder of pictures; default: 0",
    )
    parser.add_argument("--headless", action="store_true", help="open no window; wants --save")
    parser.add_argument(
        "--save", type=Path, metavar="PATH", help="with --headless: an .mp4 or .avi, or a folder for numbered pictures"
    )
    parser.add_argument("--max_frames", type=positive, metavar="N", help="end after so many")
    args = parser.parse_args()
    if args.headless != (args.save is not None):
        parser.error("--headless and --save belong together: without a window the frames have to go somewhere")

    segmenter = Segmenter(args.config, engine=args.engine, threads=args.threads)
    print(f"{args.config} on {segmenter.title}, {args.threads} threads", flush=True)
    source = open_source(args.source)
    try:
        with Stop() as stop, open_sink(args.save, source.rate) as sink:
            watch = loop(segmenter, source, sink, stop, args.max_frames)
    finally:
        source.close()
    print(watch.summary(live=source.live))
    return 128 + stop.signal if stop.signal else 0


def loop(segmenter: Segmenter, source: Source, sink: Sink, stop: "Stop", max_frames: int | None) -> "Watch":
    """Predict, draw and show frame after frame.

    Raises:
        EdgeError: the source or the model fails; what was saved until then stays.
    """
    watch = Watch()
    try:
        for frame in source:
            start = time.perf_counter()
            batch, steps = segmenter.prepare(frame.picture)
            prepared = time.perf_counter()
            output = segmenter.run(batch)
            computed = time.perf_counter()
            overlay = segmenter.overlay(frame.picture, label_map(output, steps))
            goes_on = sink.show(overlay, frame.count)
            watch.note(frame.count, prepared - start, computed - prepared, time.perf_counter() - computed)
            if stop.signal or not goes_on or watch.frames == max_frames:
                break
    except EdgeError:
        if watch.frames:
            print(watch.summary(live=source.live))
        raise
    return watch


class Stop:
    """Turns Ctrl-C and a service's end into a wish, so that the frame at hand and the video are finished."""

    def __init__(self) -> None:
        self.signal = 0

    def __enter__(self) -> "Stop":
        self._before = {number: signal.signal(number, self._wish) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _wish(self, number: int, _: object) -> None:
        self.signal = number


class Watch:
    """What the loop took. Rates hold everything, from taking a frame to having shown it, but for the first frame."""

    def __init__(self) -> None:
        self.frames, self.given = 0, 0
        self._parts: list[tuple[float, ...]] = []
        self._start = self._told = self._now = 0.0

    def note(self, count: int, *parts: float) -> None:
        """A frame is done: how many the source gave for it, and the seconds of preparing, the network and the rest."""
        self._now = time.perf_counter()
        self.frames, self.given = self.frames + 1, self.given + count
        self._parts.append(parts)
        if self.frames == 1:
            self._start = self._told = self._now  # in the first frame libraries make themselves ready
        elif self._now - self._told > STATUS:
            self._told = self._now
            print(f"{self.frames} frames, {self._rate():.1f} a second", flush=True)

    def _rate(self) -> float:
        return (self.frames - 1) / max(self._now - self._start, 1e-9)

    def summary(self, *, live: bool) -> str:
        """A line or two."""
        if self.frames < 2:
            return f"{self.frames} frames, too few to tell a rate"
        prepare, network, rest = (1000 * median(values) for values in zip(*self._parts[1:], strict=True))
        dropped = (
            f"; {self.given - self.frames} stale ones dropped of {self.given} that the camera gave" if live else ""
        )
        return (
            f"{self.frames} frames, {self._rate():.1f} a second{dropped}\n"
            f"medians: preprocessing {prepare:.1f} ms, network {network:.1f} ms, drawing and output {rest:.1f} ms"
        )


if __name__ == "__main__":
    run_program(main)
