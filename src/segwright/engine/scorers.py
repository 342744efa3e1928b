"""What an evaluation counts of each picture, exactly, so that the counts of several processes add up."""

from collections.abc import Sequence

import torch
from torch import Tensor

from segwright.datasets import SegmentationDataset
from segwright.engine.inference import decide
from segwright.engine.per_image import PerImageTally
from segwright.engine.processes import Processes
from segwright.engine.tally import ConfusionTally, MultiLabelTally, RocTally
from segwright.metrics import BoundaryCounts, ConfusionMatrix, MultiLabelCounts, PerImage, RocCounts
from segwright.types import Size


class Scorers:
    """All that is counted in one evaluation.

    Args:
        dataset: what is evaluated.
        device: where logits and labels are.
        auc_roc: also count for the areas under the ROC curves.
        boundary_iou: also count pixels near outlines. OpenCV does, on the CPU.
    """

    def __init__(
        self, dataset: SegmentationDataset, device: torch.device, *, auc_roc: bool = False, boundary_iou: bool = False
    ) -> None:
        classes = (dataset.num_classes, dataset.ignore_index)
        self._device, self._multilabel = device, dataset.multilabel
        self._areas = MultiLabelTally(*classes, device) if dataset.multilabel else ConfusionTally(*classes, device)
        self._per_image = PerImageTally(len(dataset), dataset.num_classes, device, has_pairs=not dataset.multilabel)
        self._curves = RocTally(*classes, device, multilabel=dataset.multilabel) if auc_roc else None
        self._boundary = BoundaryCounts(*classes) if boundary_iou else None

    def add(self, numbers: Sequence[int], logits: Tensor, label: Tensor) -> None:
        """Count pictures.

        Args:
            numbers: which pictures of the data set these N are.
            logits: (N, C, H, W).
            label: (N, H, W), or (N, C, H, W) where a pixel may have several labels.

        Raises:
            DataError: the sizes differ.
        """
        pred = decide(logits, multilabel=self._multilabel)
        self._per_image.add(numbers, self._areas.add(pred, label), Size(*label.shape[-2:]))
        if self._curves is not None:
            self._curves.add(logits, label)
        if self._boundary is not None:
            for one, its_label in zip(pred.cpu().numpy(), label.cpu().numpy(), strict=True):
                self._boundary.update(one, its_label)

    def merge(self, processes: Processes) -> None:
        """Add up what all processes have counted, in each of them; every process has to ask, once."""
        for tally in (self._areas, self._per_image, self._curves):
            if tally is not None:
                processes.total(tally.counts)
        if self._boundary is not None:
            counts = torch.from_numpy(self._boundary.counts).to(self._device)
            self._boundary.counts = processes.total(counts).cpu().numpy()

    @property
    def areas(self) -> ConfusionMatrix | MultiLabelCounts:
        """Counts over all pictures; waits for the device, as do the others."""
        return self._areas.total()

    @property
    def per_image(self) -> PerImage:
        """What was counted of each picture."""
        return self._per_image.total()

    @property
    def curves(self) -> RocCounts | None:
        """Counts for ROC curves, if these are asked for."""
        return None if self._curves is None else self._curves.total()

    @property
    def boundary(self) -> BoundaryCounts | None:
        """Areas near outlines, if these are asked for."""
        return self._boundary
