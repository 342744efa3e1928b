"""Training samples of ours, as a reader process makes them, or whole batches that readers make."""

import argparse
import itertools
from pathlib import Path

import cv2
import torch

from benchmarks.pipelines import BATCH_SIZE, PIPELINES, settling
from benchmarks.worker import serve
from segwright.build import build_dataset
from segwright.engine.loader import TrainingSamples, training_batches
from segwright.engine.order import SampleKey, TrainingOrder
from segwright.engine.readers import keep_memory
from segwright.version import __version__


def main() -> None:
    """Prepare the data set, then read when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=PIPELINES)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--num_workers", type=int, help="readers that make batches; default: single samples, here")
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
    versions = f"segwright {__version__} with OpenCV {cv2.__version__}"
    if args.num_workers is not None:
        order = TrainingOrder(len(dataset), batch_size=BATCH_SIZE, iters=10**6)
        batches = training_batches(dataset, order, num_workers=args.num_workers)
        serve(lambda: next(batches), versions, settle=settling(batches, args.num_workers))
        return
    samples = TrainingSamples(dataset, seed=0)
    keys = (SampleKey(position, epoch) for epoch in itertools.count() for position in range(len(dataset)))

    def read() -> object:
        item = samples[next(keys)]
        if isinstance(item, Exception):
            raise item
        return item

    serve(read, versions)


if __name__ == "__main__":
    main()
