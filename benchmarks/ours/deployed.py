"""An export of ours on one picture, from the network's input to labels; torch stays out of this process."""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.worker import serve
from segwright.runtime import EngineOptions, load
from segwright.version import __version__


def main() -> None:
    """Open the export, save the labels that it gives, then predict when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("image", type=Path, help=".npy, (N, C, H, W) float32")
    parser.add_argument("labels", type=Path, help=".npy to write")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--engine")
    parser.add_argument("--precision", help="default: the export's")
    args = parser.parse_args()

    options = EngineOptions(engine=args.engine, cpu_threads=args.threads, precision=args.precision)
    predictor = load(args.bundle, options)
    batch = list(np.load(args.image))
    np.save(args.labels, predictor.infer(batch))
    serve(lambda: predictor.infer(batch), f"segwright {__version__} on {predictor.engine.title}")


if __name__ == "__main__":
    main()
