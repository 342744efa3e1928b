"""``segwright infer`` over a list of pictures, without its start."""

import argparse
from pathlib import Path

from benchmarks.worker import serve
from segwright.images import list_images
from segwright.runtime import EngineOptions, load
from segwright.runtime.pictures import predict_pictures
from segwright.version import __version__


def main() -> None:
    """Open the export, then predict all pictures when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--image_path", type=Path, required=True)
    parser.add_argument("--save_dir", type=Path, required=True)
    parser.add_argument("--cpu_threads", type=int)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--precision")
    args = parser.parse_args()

    options = EngineOptions(engine=args.engine, cpu_threads=args.cpu_threads, precision=args.precision)
    images = list_images(args.image_path)
    predictor = load(args.config, options, pictures=images)

    def run() -> None:
        if failed := predict_pictures(predictor, images, args.image_path, args.save_dir):
            raise RuntimeError(f"not predicted: {failed}")

    serve(run, f"segwright {__version__} on {predictor.engine.title}")


if __name__ == "__main__":
    main()
