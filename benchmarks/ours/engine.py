"""An exported model without a server: pictures from encoded bytes in memory to label maps as PNG in memory."""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.worker import serve
from segwright import __version__
from segwright.images import encode_label_map, read_image
from segwright.runtime import EngineOptions, load


def main() -> None:
    """Answer a worker's lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--cpu_threads", type=int, required=True)
    parser.add_argument("--parallel", type=int, required=True, help="runs of the network at a time")
    parser.add_argument("--loops", type=int, required=True, help="threads that each take one picture after the other")
    parser.add_argument("--count", type=int, required=True, help="pictures in a run")
    args = parser.parse_args()
    predictor = load(args.bundle, EngineOptions(cpu_threads=args.cpu_threads, parallel=args.parallel))
    content = args.picture.read_bytes()

    def one(_: int) -> bytes:
        return encode_label_map(predictor(read_image(content)), predictor.manifest.palette)

    with ThreadPoolExecutor(args.loops) as pool:
        serve(lambda: list(pool.map(one, range(args.count))), f"segwright {__version__} on {predictor.engine.title}")


if __name__ == "__main__":
    main()
