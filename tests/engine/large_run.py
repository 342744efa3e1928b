"""Predicts a large picture and prints, as JSON, what it took: ``python large_run.py PICTURE LABEL_MAP``."""

import json
import logging
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from segwright.engine.inference import Procedure
from segwright.engine.segmenter import Segmenter
from segwright.engine.tiles_predict import predict_large
from segwright.runtime.benchmark import peak_memory_mb
from segwright.transforms import Normalize


class Brightest(nn.Module):
    """Which of the channels is brightest; a class more that never is."""

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, 3, H, W) -> (N, 4, H, W)."""
        return [torch.cat([image, image.new_full((len(image), 1, *image.shape[2:]), -9)], dim=1)]


class Announcement(logging.Handler):
    """The line that tells the memory needed, and the bytes held by then: the model and its work on a window."""

    def emit(self, record: logging.LogRecord) -> None:
        """Only one is logged."""
        self.text, self.held = record.getMessage(), peak()


def peak() -> int:
    """Bytes of main memory that this process has held at once."""
    return int((peak_memory_mb() or 0) * 1e6)


if __name__ == "__main__":
    torch.set_num_threads(1)
    announcement = Announcement()
    logging.getLogger("segwright").addHandler(announcement)
    logging.getLogger("segwright").setLevel(logging.INFO)
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    procedure = Procedure.from_flags(is_slide=True, crop_size=[1024, 1024], stride=[896, 896], blend="gaussian")
    start = time.perf_counter()
    predict_large(
        Segmenter(Brightest(), [Normalize()], procedure, "cpu"),
        source,
        target,
        overlay_path=target.with_name("overlay.png"),
    )
    seconds = time.perf_counter() - start
    print(json.dumps({"said": announcement.text, "seconds": seconds, "before": announcement.held, "peak": peak()}))
