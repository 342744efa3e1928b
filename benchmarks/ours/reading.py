"""Training samples of ours, as a reader process makes them."""

import argparse
import itertools
from pathlib import Path

import cv2
import torch

from benchmarks.pipelines import PIPELINES
from benchmarks.worker import serve
from segwright.build import build_dataset
from segwright.engine.loader import TrainingSamples
from segwright.engine.order import SampleKey
from segwright.engine.readers import keep_memory
from segwright.version import __version__


def main() -> None:
    """Prepare the data set, then read when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=PIPELINES)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()

    cv2.setNumThreads(args.threads)
    torch.set_num_threads(args.threads)
    keep_memory()  # as a reader process does
    pipeline = PIPELINES[args.pipeline]
    dataset = build_dataset(
        {
            "type": "Dataset",
            "dataset_root": str(args.data),
            "train_path": str(args.data / pipeline.train_list),
            "num_classes": pipeline.num_classes,
            "transforms": pipeline.transforms,
        }
    )
    samples = TrainingSamples(dataset, seed=0)
    keys = (SampleKey(position, epoch) for epoch in itertools.count() for position in range(len(dataset)))

    def read() -> object:
        item = samples[next(keys)]
        if isinstance(item, Exception):
            raise item
        return item

    serve(read, f"segwright {__version__} with OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()
