"""Predict one large picture tile by tile, and print as JSON what that took."""

import argparse
import json
import logging
import re
import time
from pathlib import Path

import torch

from segwright.engine.inference import Procedure
from segwright.engine.segmenter import Segmenter
from segwright.engine.tiles_predict import predict_large
from segwright.models import BiSeNetV2
from segwright.runtime.benchmark import peak_memory_mb
from segwright.transforms import Normalize


class Announced(logging.Handler):
    """Keeps how much memory the log says will be needed."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """One line of the log."""
        if found := re.search(r"needs at most (\S+ GiB)", record.getMessage()):
            self.text = found[1]


def main() -> None:
    """Random weights do: neither time nor memory depends on them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--crop_size", type=int)
    parser.add_argument("--stride", type=int)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    announced, log = Announced(), logging.getLogger("segwright")
    log.addHandler(announced)
    log.setLevel(logging.INFO)
    procedure = Procedure.from_flags(
        is_slide=True, crop_size=[args.crop_size] * 2, stride=[args.stride] * 2, blend="gaussian"
    )
    segmenter = Segmenter(BiSeNetV2(num_classes=19), [Normalize()], procedure, "cpu")
    start = time.perf_counter()
    predict_large(
        segmenter, args.picture, args.picture.with_name("label.png"), overlay_path=args.picture.with_name("overlay.png")
    )
    seconds = time.perf_counter() - start
    peak = (peak_memory_mb() or 0) * 1e6
    print(json.dumps({"seconds": seconds, "peak": peak, "announced": announced.text}))


if __name__ == "__main__":
    main()
