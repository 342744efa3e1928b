"""The exported file beside the model on data with labels: do the scores stay?"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segwright.bundle import NetworkInput, label_map
from segwright.console import track
from segwright.datasets import SegmentationDataset
from segwright.errors import ExportError
from segwright.export.deployed import Deployed
from segwright.metrics import ConfusionMatrix
from segwright.runtime import EngineOptions, open_engine

MOST = 0.0005  # that mIoU may differ by: near-ties decided the other way


@dataclass(frozen=True)
class DatasetScores:
    """Scores of both.

    Attributes:
        pictures: how many were predicted.
        model: scores of the torch model; see ``metrics.ConfusionMatrix.scores``.
        export: scores of the exported file.
    """

    pictures: int
    model: dict[str, Any]
    export: dict[str, Any]

    @property
    def loss(self) -> float:
        """By how much mIoU falls, 0..1; below 0 where it rises."""
        return (self.model["mIoU"] or 0.0) - (self.export["mIoU"] or 0.0)

    def require_equal(self) -> None:
        """Fail where mIoU is another one.

        Raises:
            ExportError: it is.
        """
        if not abs(self.loss) <= MOST:
            raise ExportError(
                f"on {self.pictures} pictures the model has mIoU {self.model['mIoU']:.4f}, the exported file "
                f"{self.export['mIoU']:.4f}; they may differ by {MOST}, so nothing was written"
            )


def score(
    path: Path,
    file_format: str,
    model: Deployed,
    prepare: Callable[[np.ndarray], NetworkInput],
    dataset: SegmentationDataset,
    count: int,
    batch_size: int,
) -> DatasetScores:
    """Predict the first pictures of a data set with both.

    Args:
        path: the exported file.
        file_format: its format.
        model: what it was exported from.
        prepare: the way from a picture to the network.
        dataset: pictures with labels.
        count: how many pictures.
        batch_size: that the file takes.

    Raises:
        DataError: a picture or label cannot be used, or comes out at a size that the file does not take.
        ExportError: the file cannot be run.
    """
    engine = open_engine(path, file_format, EngineOptions(cpu_threads=torch.get_num_threads()))
    both = [ConfusionMatrix(dataset.num_classes, dataset.ignore_index) for _ in range(2)]
    for number in track(range(count), "scoring"):
        item, label = prepare(dataset.load_image(number)), dataset.load_label(number)
        batch = np.repeat(item.tensor[None], batch_size, axis=0)
        with torch.inference_mode():
            expected = model(torch.from_numpy(batch)).numpy()
        for matrix, output in zip(both, (expected, engine.run(batch)), strict=True):
            matrix.update(label_map(output[0], item.geometry), label)
    return DatasetScores(count, *(matrix.scores() for matrix in both))
