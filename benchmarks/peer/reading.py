"""Training samples of PaddleSeg's, as a reader process makes them, or whole batches that readers make."""

import argparse
import itertools
import random
from pathlib import Path

import cv2
import numpy as np
import paddle
import paddleseg
import paddleseg.transforms
from paddleseg.cvlibs import manager
from paddleseg.datasets import Dataset

from benchmarks.pipelines import BATCH_SIZE, PIPELINES, settling
from benchmarks.worker import serve


def main() -> None:
    """Prepare the data set, then read when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=PIPELINES)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--num_workers", type=int, help="readers that make batches; default: single samples, here")
    args = parser.parse_args()

    cv2.setNumThreads(args.threads)
    np.random.seed(0)  # noqa: NPY002 - the generator that PaddleSeg draws from
    random.seed(0)
    pipeline = PIPELINES[args.pipeline]
    dataset = Dataset(
        mode="train",
        dataset_root=str(args.data),
        train_path=str(args.data / pipeline.train_list),
        num_classes=pipeline.num_classes,
        transforms=[
            manager.TRANSFORMS[block["type"]](**{key: value for key, value in block.items() if key != "type"})
            for block in pipeline.transforms
        ],
    )
    versions = f"PaddleSeg {paddleseg.__version__} with OpenCV {cv2.__version__}"
    if args.num_workers is not None:
        paddle.set_device("cpu")
        dataset.file_list *= 10**6 // len(dataset)  # one long epoch: readers start anew for each
        batches = iter(
            paddle.io.DataLoader(
                dataset, batch_size=BATCH_SIZE, shuffle=True, num_workers=args.num_workers, return_list=True
            )
        )
        serve(lambda: next(batches), versions, settle=settling(batches, args.num_workers))
        return
    indices = itertools.cycle(range(len(dataset)))
    serve(lambda: dataset[next(indices)], versions)


if __name__ == "__main__":
    main()
