"""The exported file beside the model on data with labels: do the scores stay?"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segwright.bundle import NetworkInput, Precision, label_map
from segwright.console import track
from segwright.datasets import SegmentationDataset
from segwright.errors import ExportError
from segwright.export.deployed import Deployed, engine_options
from segwright.metrics import ConfusionMatrix
from segwright.runtime import open_engine

MOST = 0.0005  # that mIoU may differ by in float32: near-ties decided the other way


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
            raise ExportError(f"{self}; they may differ by {MOST}, so nothing was written")

    def require_loss(self, most: float) -> None:
        """Fail where mIoU falls by more than ``most``, 0..1.

        Raises:
            ExportError: it does.
        """
        if not self.loss <= most:
            raise ExportError(
                f"{self}, {100 * self.loss:.2f} points less, of which {100 * most:g} are allowed, so nothing was "
                "written; allow more with --max_miou_loss, or export with --precision fp32"
            )

    def __str__(self) -> str:
        return (
            f"on {self.pictures} pictures the model has mIoU {self.model['mIoU']:.4f}, the exported file "
            f"{self.export['mIoU']:.4f}"
        )


@dataclass(frozen=True)
class Examination:
    """Labelled pictures that a model and what is made of it are scored on.

    Attributes:
        model: what is exported.
        prepare: the way from a picture to the network.
        dataset: pictures with labels.
        count: how many of them, from the first.
        batch_size: that the exported file takes.
    """

    model: Deployed
    prepare: Callable[[np.ndarray], NetworkInput]
    dataset: SegmentationDataset
    count: int
    batch_size: int

    def compare(self, path: Path, file_format: str, precision: Precision) -> DatasetScores:
        """Scores of a file beside the model's.

        Args:
            path: the file.
            file_format: its format.
            precision: its precision.

        Raises:
            DataError: a picture or label cannot be used, or comes out at a size that the file does not take.
            ExportError: the file cannot be run.
        """
        opened = open_engine(path, file_format, engine_options(precision))
        return DatasetScores(self.count, self._model_scores, self._scores(opened.run, "scoring the export"))

    @cached_property
    def _model_scores(self) -> dict[str, Any]:
        def run(batch: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return self.model(torch.from_numpy(batch)).numpy()

        return self._scores(run, "scoring the model")

    def _scores(self, run: Callable[[np.ndarray], np.ndarray], title: str) -> dict[str, Any]:
        matrix = ConfusionMatrix(self.dataset.num_classes, self.dataset.ignore_index)
        for number in track(range(self.count), title):
            item, label = self.prepare(self.dataset.load_image(number)), self.dataset.load_label(number)
            batch = np.repeat(item.tensor[None], self.batch_size, axis=0)
            matrix.update(label_map(run(batch)[0], item.geometry), label)
        return matrix.scores()
