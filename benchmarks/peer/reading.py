"""Training samples of PaddleSeg's, as a reader process makes them."""

import argparse
import itertools
import random
from pathlib import Path

import cv2
import numpy as np
import paddleseg
import paddleseg.transforms
from paddleseg.cvlibs import manager
from paddleseg.datasets import Dataset

from benchmarks.pipelines import PIPELINES
from benchmarks.worker import serve


def main() -> None:
    """Prepare the data set, then read when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=PIPELINES)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--threads", type=int)
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
    indices = itertools.cycle(range(len(dataset)))
    serve(lambda: dataset[next(indices)], f"PaddleSeg {paddleseg.__version__} with OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()
