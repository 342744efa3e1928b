"""Which sample comes when, and batches read ahead while the device computes.

The position in the data is a function of seed and iteration alone: a run that resumes at iteration 500 gets the
samples, in the order and with the random augmentation, that the run would have seen had it never stopped, whatever
the number of workers. Nothing about it has to be stored.
"""

import ctypes
import multiprocessing
import queue
import re
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from segwright.datasets import SegmentationDataset
from segwright.errors import ConfigError, SegwrightError, TrainingError
from segwright.types import Geometry

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # numbers of these options of mallopt(3)


class SampleKey(NamedTuple):
    """One sample of a run: which picture, in which pass over the data."""

    position: int  # in the data set, repeats counted
    epoch: int


class TrainingOrder:
    """Batches of sample keys from a given iteration to the end of training.

    Every epoch is a new permutation of the data; pictures that do not fill a last batch are left for another epoch.

    Args:
        num_samples: size of the data set, repeats counted.
        batch_size: samples a batch.
        iters: iterations of the whole run.
        start: iterations already done.
        seed: seed of the run.
        repeats: times that each picture occurs in an epoch.
    """

    def __init__(
        self, num_samples: int, *, batch_size: int, iters: int, start: int = 0, seed: int = 0, repeats: int = 1
    ) -> None:
        self.num_samples = num_samples
        self.total = num_samples * repeats
        if self.total < batch_size:
            raise ConfigError(
                f"a batch of {batch_size} is larger than the training set of {self.total} pictures; "
                "lower batch_size or raise repeats"
            )
        self.batch_size, self.iters, self.start, self.seed = batch_size, iters, start, seed

    @property
    def batches_per_epoch(self) -> int:
        """Iterations of one pass over the data."""
        return self.total // self.batch_size

    def __len__(self) -> int:
        return max(0, self.iters - self.start)

    def __iter__(self) -> Iterator[list[SampleKey]]:
        permuted, order = -1, np.empty(0, dtype=np.int64)
        for iteration in range(self.start, self.iters):
            epoch, batch = divmod(iteration, self.batches_per_epoch)
            if epoch != permuted:
                permuted, order = epoch, np.random.default_rng([self.seed, epoch]).permutation(self.total)
            chosen = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield [SampleKey(int(position), epoch) for position in chosen]


class TrainingSamples(torch.utils.data.Dataset):
    """A data set addressed by sample key; the key and the seed decide the augmentation."""

    def __init__(self, dataset: SegmentationDataset, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __getitem__(self, key: SampleKey) -> dict[str, Any] | SegwrightError:
        """The sample, or the reason why there is none: raised here it would reach the user as a worker's traceback."""
        try:
            return self._item(key)
        except SegwrightError as error:
            return error

    def _item(self, key: SampleKey) -> dict[str, Any]:
        index = key.position % len(self.dataset)
        rng = np.random.default_rng([self.seed, key.epoch, key.position])
        sample = self.dataset.sample(index, rng)
        assert sample.label is not None
        item = {
            "image": np.ascontiguousarray(sample.image.transpose(2, 0, 1), dtype=np.float32),
            "label": np.ascontiguousarray(sample.label),
            **sample.targets,
            "file": str(self.dataset.pairs[index].image),
        }
        if sample.edge is not None:
            item["edge"] = np.ascontiguousarray(sample.edge[np.newaxis])
        return item


def collate(items: list[dict[str, Any] | SegwrightError]) -> dict[str, Any] | SegwrightError:
    """Stack the samples of a batch: image (N, C, H, W) float32, label (N, H, W), edge (N, 1, H, W), files as a list.

    Returns:
        The batch; or an error, if a sample is one or the pictures differ in size.
    """
    samples = [item for item in items if isinstance(item, dict)]
    if len(samples) < len(items):
        return next(item for item in items if isinstance(item, SegwrightError))
    sizes = {item["image"].shape: item["file"] for item in samples}
    if len(sizes) > 1:
        facts = ", ".join(f"{file} is {shape[2]}x{shape[1]}" for shape, file in sizes.items())
        return ConfigError(
            f"pictures of one batch differ in size after the transforms: {facts}; "
            "add Resize or RandomPaddingCrop to train_dataset.transforms, or train with batch_size 1"
        )
    return default_collate(samples)  # in a reader process it stacks right into memory that the trainer shares


def training_batches(
    dataset: SegmentationDataset, order: TrainingOrder, *, num_workers: int, pin: bool = False
) -> Generator[dict[str, Any], None, None]:
    """Batches of the run, read ahead by ``num_workers`` processes, or by one thread where that is 0.

    Raises:
        DataError: a picture or label cannot be used.
        ConfigError: the pictures of a batch differ in size.
    """
    return _read(
        TrainingSamples(dataset, order.seed), num_workers, batch_sampler=order, collate_fn=collate, pin_memory=pin
    )


def _read(samples: torch.utils.data.Dataset, num_workers: int, **options: Any) -> Generator[Any, None, None]:
    loader: DataLoader = DataLoader(
        samples,
        num_workers=num_workers,
        worker_init_fn=_prepare_worker,
        multiprocessing_context=_context() if num_workers else None,
        generator=torch.Generator(),  # the iterator draws a seed: not from the generator that dropout uses
        **options,
    )
    try:
        for item in loader if num_workers else read_ahead(loader):
            if isinstance(item, SegwrightError):
                raise item
            yield item
    except RuntimeError as error:
        if not re.search("exited unexpectedly|killed by signal", str(error)):
            raise
        raise TrainingError(
            f"a process that reads pictures ahead has died ({error}). It was killed, or memory or /dev/shm is full: "
            "use fewer num_workers, or 0. In a Python script, what trains or evaluates with num_workers above "
            "0 must stand below if __name__ == '__main__':, because each reader imports the script"
        ) from error


def _context() -> Any:
    """How to start readers: not by forking this process, whose OpenCV and OpenMP threads would be missing in the copy.

    A worker that then waits for one of them waits for ever. The fork server has imported what readers need and has
    no threads.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _prepare_worker(_: int) -> None:
    """One process is one thread: OpenCV's own pool would take the cores that the device computes on."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    keep_memory()


def keep_memory() -> None:
    """Have the memory of one picture used again for the next, in this process, for good (GNU C library only).

    By default it goes back to the system, and comes again page by page, each filled with zeros first. That takes longer
    than to decode a JPEG.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        # Both, because setting one stops the other from growing with what is asked for. 32 MiB is the most that all
        # versions take.
        libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(M_TRIM_THRESHOLD, 2**30)


def read_ahead(batches: Iterable[Any], depth: int = 2) -> Generator[Any, None, None]:
    """The items of ``batches``, made by a thread up to ``depth`` ahead; its exceptions are raised here."""
    ready: queue.Queue[tuple[bool, Any]] = queue.Queue(maxsize=depth)
    finished = object()
    stop = threading.Event()

    def put(ok: bool, item: Any) -> bool:
        while not stop.is_set():
            try:
                ready.put((ok, item), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for batch in batches:
                if not put(True, batch):
                    return
            put(True, finished)
        except BaseException as error:
            put(False, error)

    thread = threading.Thread(target=produce, name="read-ahead", daemon=True)
    thread.start()
    try:
        while True:
            ok, item = ready.get()
            if not ok:
                raise item
            if item is finished:
                return
            yield item
    finally:
        stop.set()
        thread.join()


class Picture(NamedTuple):
    """One picture of an evaluation, ready for the model."""

    number: int  # in the data set
    image: Tensor  # (1, C, H, W) float32
    label: np.ndarray | None  # (H0, W0) at the size of the file
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


def evaluation_pictures(dataset: SegmentationDataset, num_workers: int) -> Generator[Picture, None, None]:
    """The pictures of a data set in order, read ahead.

    Raises:
        DataError: a picture or label cannot be used.
    """
    return _read(EvaluationPictures(dataset), num_workers, batch_size=None, collate_fn=_as_it_is)


def _as_it_is(picture: Any) -> Any:
    return picture
