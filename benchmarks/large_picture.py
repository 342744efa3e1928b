"""A picture of 400 million pixels through ``segwright predict``'s tiles: time, and main memory at its peak."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measure import Watch, add_common, publish, table
from segwright.version import __version__

MAKE = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    ".tif": [cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 64],
}


def main() -> None:
    """Make the picture, predict it as PNG and as TIFF, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser, peer=False)
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="a picture to be repeated")
    parser.add_argument("--size", type=int, nargs=2, default=[20_000, 20_000], metavar=("W", "H"))
    parser.add_argument("--crop_size", type=int, default=1024, metavar="N", help="side of a window")
    parser.add_argument("--stride", type=int, default=768, metavar="N")
    args = parser.parse_args()

    rows = []
    width, height = args.size
    with tempfile.TemporaryDirectory() as folder, Watch() as watch:
        for suffix, options in MAKE.items():
            path = Path(folder) / f"picture{suffix}"
            write_repeated(args.data, path, width, height, options)
            took = predict(path, args.crop_size, args.stride, args.threads)
            announced, seconds, peak = took["announced"], took["seconds"], took["peak"] / 1e9
            rows.append(
                [
                    suffix[1:].upper(),
                    f"{peak:.2f} GB",
                    announced,
                    f"{seconds:.0f} s",
                    f"{width * height / 1e6 / seconds:.1f}",
                ]
            )
    head = [
        f"{width}x{height}, BiSeNetV2 with 19 classes, {args.threads} threads",
        "peak memory of the process",
        "announced",
        "time",
        "million pixels/s",
    ]
    publish(args.document, "large_picture", f"{table(head, rows)}\n\n{watch.describe([f'segwright {__version__}'])}")


def write_repeated(source: Path, path: Path, width: int, height: int, options: list[int]) -> None:
    """The picture ``source`` side by side and below each other, as often as it takes."""
    image = cv2.imread(str(source))
    times = (-(-height // image.shape[0]), -(-width // image.shape[1]), 1)
    cv2.imwrite(str(path), np.tile(image, times)[:height, :width], options)


def predict(path: Path, window: int, stride: int, threads: int) -> dict[str, float | str]:
    """What a process of its own took: ``seconds``, ``peak`` bytes, and what it had ``announced``."""
    command = [sys.executable, "-m", "benchmarks.ours.large_picture", path, "--crop_size", window, "--stride", stride]
    done = subprocess.run(
        [*map(str, command), "--threads", str(threads)], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
