"""An export on one picture, from its pixels to its label map, by the programs of deploy/edge."""

import argparse
import sys
from pathlib import Path

from benchmarks.worker import ROOT, serve


def main() -> None:
    """Open the export, then predict when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()

    sys.path.insert(0, str(ROOT / "deploy" / "edge"))
    from picture_files import read_picture
    from segmenter import Segmenter

    segmenter = Segmenter(args.bundle, engine=args.engine, threads=args.threads)
    picture = read_picture(args.picture)
    serve(lambda: segmenter(picture), segmenter.title)


if __name__ == "__main__":
    main()
