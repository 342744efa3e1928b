"""What a report tells of an evaluation beyond its scores, collected while pictures go by."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from segwright.datasets import SegmentationDataset
from segwright.engine.calibration import CalibrationTally
from segwright.engine.confused_pairs import ConfusedPairs
from segwright.engine.inference import decide
from segwright.engine.packed_map import PackedMap
from segwright.engine.processes import Processes
from segwright.errors import ConfigError
from segwright.metrics import ConfusionMatrix
from segwright.metrics.calibration import CalibrationCounts

NUM_WORST, NUM_BEST = 8, 4  # pictures whose predictions are kept


@dataclass(frozen=True)
class Findings:
    """What was collected, of some pictures or of all.

    Attributes:
        calibration: how sure the model was.
        worst: by (mIoU, number) the predictions of the pictures with the lowest mIoU.
        best: by (-mIoU, number) those of the pictures with the highest.
        pairs: places where classes are confused.
    """

    calibration: CalibrationCounts
    worst: dict[tuple[float, int], PackedMap]
    best: dict[tuple[float, int], PackedMap]
    pairs: ConfusedPairs

    def merge(self, other: "Findings") -> None:
        """Take over what another process has collected of other pictures."""
        self.calibration.add(other.calibration)
        self.pairs.merge(other.pairs)
        for mine, others, count in ((self.worst, other.worst, NUM_WORST), (self.best, other.best, NUM_BEST)):
            mine.update(others)
            _keep_first(mine, count)


class ReportObserver:
    """Collects ``Findings``; an observer for ``evaluate``.

    Memory does not grow with the number of pictures.

    Args:
        dataset: the one that is evaluated.
        device: where logits and labels are.

    Raises:
        ConfigError: a pixel of the data set may have several labels.
    """

    def __init__(self, dataset: SegmentationDataset, device: torch.device) -> None:
        if dataset.multilabel:
            raise ConfigError(
                "a report shows which class is taken for which, but here a pixel may have several labels: "
                "leave out --report"
            )
        self._dataset, self._device = dataset, device
        self._calibration = CalibrationTally(dataset.ignore_index, device)
        self._worst: dict[tuple[float, int], PackedMap] = {}
        self._best: dict[tuple[float, int], PackedMap] = {}
        self._pairs = ConfusedPairs(dataset.num_classes, dataset.ignore_index, len(dataset))

    def __call__(self, number: int, logits: Tensor, label: Tensor) -> None:
        """Look at a picture: (1, C, H, W) logits and (1, H, W) label."""
        pred = decide(logits)
        self._calibration.add(logits, pred, label)
        num_classes = self._dataset.num_classes
        narrow = pred.to(torch.uint8) if num_classes <= 256 else pred.to(torch.int32)
        self._look_at(number, narrow[0].cpu().numpy(), label[0].cpu().numpy())

    def _look_at(self, number: int, pred: np.ndarray, label: np.ndarray) -> None:
        matrix = ConfusionMatrix(self._dataset.num_classes, self._dataset.ignore_index)
        matrix.update(pred, label)
        self._pairs.add(number, pred, label, matrix.counts)
        score = matrix.scores("skip")["mIoU"]
        if score is None:
            return
        packed: PackedMap | None = None
        for kept, rank, count in ((self._worst, (score, number), NUM_WORST), (self._best, (-score, number), NUM_BEST)):
            if len(kept) < count or rank < max(kept):
                packed = packed or PackedMap.of(pred)
                kept[rank] = packed
                _keep_first(kept, count)

    def findings(self, processes: Processes) -> Findings | None:
        """Of all processes, in process 0; None in the others. Every process has to ask."""
        own = Findings(self._calibration.total(), self._worst, self._best, self._pairs)
        if processes.count == 1:
            return own
        if self._device.type == "cuda":
            torch.cuda.set_device(self._device)  # through which the others' bytes come
        parts: list[Findings | None] | None = [None] * processes.count if processes.first else None
        dist.gather_object(own, parts)
        if parts is None:
            return None
        for part in parts[1:]:
            assert part is not None
            own.merge(part)
        return own


def _keep_first(kept: dict[tuple[float, int], PackedMap], count: int) -> None:
    for rank in sorted(kept)[count:]:
        del kept[rank]
