"""Samples of a data set as batches on their way to the model."""

from collections.abc import Generator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from segwright.datasets import SegmentationDataset
from segwright.datasets.base import channels_first
from segwright.engine.order import SampleKey, TrainingOrder
from segwright.engine.readers import READER_TIMEOUT, read
from segwright.errors import ConfigError, DataError, SegwrightError
from segwright.types import Geometry

OnBad = Literal["fail", "skip"]

REPLACEMENTS = 10  # pictures tried in place of one that cannot be used


class TrainingSamples(torch.utils.data.Dataset):
    """A data set addressed by sample key; the key and the seed decide the augmentation.

    Args:
        dataset: in mode ``train``.
        seed: of the run.
        on_bad: what becomes of a picture or label map that cannot be used: ``fail`` ends training, ``skip`` takes the
            next one of the data set in its place.
    """

    def __init__(self, dataset: SegmentationDataset, seed: int, on_bad: OnBad = "fail") -> None:
        self.dataset = dataset
        self.seed = seed
        self.on_bad = on_bad

    def __getitem__(self, key: SampleKey) -> dict[str, Any] | SegwrightError:
        """The sample, or the reason why there is none: raised here it would reach the user as a worker's traceback."""
        skipped: list[str] = []
        for step in range(REPLACEMENTS if self.on_bad == "skip" else 1):
            try:
                return {**self._item(key._replace(position=key.position + step)), "skipped": skipped}
            except DataError as error:
                skipped.append(str(error))
            except SegwrightError as error:
                return error
        return DataError("; ".join(skipped))

    def _item(self, key: SampleKey) -> dict[str, Any]:
        index = key.position % len(self.dataset)
        rng = np.random.default_rng([self.seed, key.epoch, key.position])
        sample = self.dataset.sample(index, rng)
        assert sample.label is not None
        item = {
            "image": np.ascontiguousarray(sample.image.transpose(2, 0, 1), dtype=np.float32),
            "label": channels_first(sample.label),
            **sample.targets,
            "file": str(self.dataset.pairs[index].image),
        }
        if sample.edge is not None:
            item["edge"] = np.ascontiguousarray(sample.edge[np.newaxis])
        return item


def collate(items: list[dict[str, Any] | SegwrightError]) -> dict[str, Any] | SegwrightError:
    """Stack the samples of a batch: image (N, C, H, W) float32, label (N, H, W), edge (N, 1, H, W), files as a list.

    With several labels a pixel, label is (N, K, H, W).
    ``skipped`` lists why others were left out.

    Returns:
        The batch; or an error, if a sample is one or the pictures differ in size.
    """
    samples = [item for item in items if isinstance(item, dict)]
    if len(samples) < len(items):
        return next(item for item in items if isinstance(item, SegwrightError))
    skipped = [reason for item in samples for reason in item.pop("skipped")]
    sizes = {item["image"].shape: item["file"] for item in samples}
    if len(sizes) > 1:
        facts = ", ".join(f"{file} is {shape[2]}x{shape[1]}" for shape, file in sizes.items())
        return ConfigError(
            f"pictures of one batch differ in size after the transforms: {facts}; "
            "add Resize or RandomPaddingCrop to train_dataset.transforms, or train with batch_size 1"
        )
    batch = default_collate(samples)  # in a reader process it stacks right into memory that the trainer shares
    return {**batch, "skipped": skipped}


def training_batches(
    dataset: SegmentationDataset,
    order: TrainingOrder,
    *,
    num_workers: int,
    pin: bool = False,
    on_bad: OnBad = "fail",
    timeout: float = READER_TIMEOUT,
) -> Generator[dict[str, Any], None, None]:
    """Batches of the run, read ahead by ``num_workers`` processes, or by one thread where that is 0.

    Raises:
        DataError: a picture or label cannot be used.
        ConfigError: the pictures of a batch differ in size.
        TrainingError: a reader has died, or a batch took more than ``timeout`` seconds.
    """
    samples = TrainingSamples(dataset, order.seed, on_bad)
    return read(samples, num_workers, timeout, batch_sampler=order, collate_fn=collate, pin_memory=pin)


class Picture(NamedTuple):
    """One picture of an evaluation, ready for the model."""

    number: int  # in the data set
    image: Tensor  # (1, C, H, W) float32
    label: np.ndarray | None  # (H0, W0), or (H0, W0, K), at the size of the file
    geometry: tuple[Geometry, ...]


class EvaluationPictures(torch.utils.data.Dataset):
    """A data set in order, one picture at a time, labels untouched."""

    def __init__(self, dataset: SegmentationDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Picture | SegwrightError:
        try:
            return self._picture(index)
        except SegwrightError as error:
            return error

    def _picture(self, index: int) -> Picture:
        sample = self.dataset.sample(index, np.random.default_rng([0, index]))
        image = np.ascontiguousarray(sample.image.transpose(2, 0, 1), dtype=np.float32)
        return Picture(index, torch.from_numpy(image)[None], sample.label, sample.geometry)


def evaluation_pictures(
    dataset: SegmentationDataset, num_workers: int, numbers: Sequence[int] | None = None
) -> Generator[Picture, None, None]:
    """The pictures of a data set in order, or those with some ``numbers``, read ahead.

    Raises:
        DataError: a picture or label cannot be used.
        TrainingError: a reader has died or hangs.
    """
    chosen = range(len(dataset)) if numbers is None else numbers
    samples = EvaluationPictures(dataset)
    return read(samples, num_workers, sampler=chosen, batch_size=None, collate_fn=_as_it_is)


def _as_it_is(picture: Any) -> Any:
    return picture
