"""How fast one reader makes training samples of picture files, of packed ones, and of decoded ones in the cache."""

import argparse
import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import torch

from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.pipelines import PIPELINES
from benchmarks.reading import enlarge
from segwright.build import build_dataset
from segwright.datasets import SegmentationDataset
from segwright.datasets.cache import DecodedCache
from segwright.datasets.packed_write import pack
from segwright.engine.loader import TrainingSamples
from segwright.engine.order import SampleKey
from segwright.engine.readers import keep_memory
from segwright.version import __version__

CACHE_MB = 256  # holds all pictures


class Side:
    """One way of storage, measured in this process."""

    def __init__(self, dataset: SegmentationDataset) -> None:
        self.samples = TrainingSamples(dataset, seed=0)
        self.keys = (SampleKey(position, epoch) for epoch in itertools.count() for position in range(len(dataset)))

    def run(self, times: int) -> list[float]:
        """Seconds of each of so many samples."""
        seconds = []
        for _ in range(times):
            start = time.perf_counter()
            item = self.samples[next(self.keys)]
            seconds.append(time.perf_counter() - start)
            if isinstance(item, Exception):
                raise item
        return seconds


def main() -> None:
    """Measure the three in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser, peer=False)
    add_turns(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="pictures, labels and their list")
    parser.set_defaults(threads=1, repeats=12)
    args = parser.parse_args()

    cv2.setNumThreads(args.threads)
    torch.set_num_threads(args.threads)
    keep_memory()  # as a reader process does
    pipeline = PIPELINES["cityscapes"]
    with tempfile.TemporaryDirectory() as name:
        folder = enlarge(args.data.resolve(), Path(name), pipeline)
        common: dict[str, Any] = {"num_classes": pipeline.num_classes, "transforms": pipeline.transforms}
        files = {"type": "Dataset", "dataset_root": str(folder), "train_path": str(folder / pipeline.train_list)}
        index = pack(build_dataset({**files, **common}), folder / "packed", shard_size=1 << 28)
        cached = build_dataset({**files, **common})
        cached.cache = DecodedCache(CACHE_MB, len(cached))
        sides = {
            "files": Side(build_dataset({**files, **common})),
            "packed": Side(build_dataset({"type": "Packed", "index": str(index), **common})),
            "files, --cache_mb": Side(cached),
        }
        with Watch() as watch:
            seconds = take_turns(sides, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats)  # type: ignore[arg-type]
    text = comparison(f"one sample of 2048x1024 PNG, {args.threads} thread(s)", seconds, against="files")
    versions = [f"segwright {__version__} with OpenCV {cv2.__version__}"]
    publish(args.document, "stored_reading", f"{text}\n\n{watch.describe(versions)}")


if __name__ == "__main__":
    main()
