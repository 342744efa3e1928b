"""How fast training will go on this machine, and what memory it takes, measured on a few samples."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import torch

from segwright.build import build_model
from segwright.build.load import model_block
from segwright.config import Config
from segwright.datasets import SegmentationDataset
from segwright.doctor.finding import Finding, Level
from segwright.doctor.words import count
from segwright.engine.data_time import measure
from segwright.engine.readers import SHARED_MEMORY
from segwright.errors import SegwrightError

SAMPLES = 8
AHEAD = 2  # batches that each reader holds ready
MIB = 1 << 20
SMALLEST = 64  # pixels of a side that the step is measured on
TRIALS = 4


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Attributes:
        sample_ms: time of one reader for a sample.
        step_seconds: forward and backward pass of a batch, without loss and optimiser; None if the model refused.
        batch_size: pictures of a step.
        num_pictures: pictures of an epoch.
        num_workers: readers.
        batch_bytes: of a batch.
        picture_bytes: of a decoded pair.
    """

    sample_ms: float
    step_seconds: float | None
    batch_size: int
    num_pictures: int
    num_workers: int
    batch_bytes: int
    picture_bytes: int

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return max(1, self.num_pictures // self.batch_size)

    @property
    def read_seconds(self) -> float:
        """Until the readers have made a batch."""
        return self.batch_size * self.sample_ms / 1000 / max(1, self.num_workers)

    @property
    def epoch_seconds(self) -> float:
        """Of an epoch, whichever is slower, readers or model."""
        return self.steps * max(self.read_seconds, self.step_seconds or 0)

    @property
    def reader_bytes(self) -> int:
        """Of what all readers hold."""
        return max(1, self.num_workers) * (AHEAD * self.batch_bytes + self.picture_bytes)

    def findings(self) -> Iterator[Finding]:
        """Time and memory; a warning where readers or memory are too small."""
        step = "unknown" if self.step_seconds is None else f"{self.step_seconds:.2f} s"
        yield Finding(
            kind="epoch-time",
            level=Level.INFO,
            title=f"An epoch takes about {spoken(self.epoch_seconds)} on this machine",
            measured=f"{self.steps} steps of {self.batch_size} pictures: {self.read_seconds:.2f} s a step with "
            f"{count(self.num_workers, 'reader')} ({self.sample_ms:.0f} ms a sample), forward and backward pass {step}",
        )
        if self.step_seconds and self.read_seconds > 1.5 * self.step_seconds:
            wanted = -(-self.batch_size * self.sample_ms / 1000 // self.step_seconds)
            yield Finding(
                kind="readers-slow",
                level=Level.INFO,
                title="The device will wait for pictures",
                measured=f"readers take {self.read_seconds:.2f} s for a batch, the model {self.step_seconds:.2f} s",
                suggestion=f"--num_workers {wanted:.0f} on as many free cores keep up; --cache_mb helps, too.",
            )
        yield from self._memory()

    def _memory(self) -> Iterator[Finding]:
        free = psutil.virtual_memory().available
        limit, name = free, "free memory"
        if self.num_workers and SHARED_MEMORY.is_dir() and psutil.disk_usage(str(SHARED_MEMORY)).free < free:
            limit, name = psutil.disk_usage(str(SHARED_MEMORY)).free, "shared memory (/dev/shm)"
        too_much = self.reader_bytes > 0.8 * limit
        yield Finding(
            kind="memory",
            level=Level.WARNING if too_much else Level.INFO,
            title="Readers need more memory than there is" if too_much else "Memory of the readers",
            measured=f"{count(self.num_workers, 'reader')} with {AHEAD} batches each hold "
            f"{self.reader_bytes / MIB:,.0f} MiB; {name}: {limit / MIB:,.0f} MiB",
            suggestion="Fewer --num_workers, a smaller batch or crop." if too_much else "",
        )


def measure_pace(config: Config, dataset: SegmentationDataset, *, num_workers: int, device: torch.device) -> Pace:
    """Make a few samples and compute one step.

    Args:
        config: with a model.
        dataset: of training.
        num_workers: readers that training will have.
        device: to compute on.

    Raises:
        DataError: a picture or label map cannot be used.
        ConfigError: pictures of a batch differ in size.
    """
    data = measure(dataset, samples=min(SAMPLES, len(dataset)), batch_size=1)
    image = dataset.item(0, seed=0)[0]
    assert image is not None
    channels, height, width = image.shape
    step = _step_seconds(config, (channels, height, width), device)
    pixels = height * width
    return Pace(
        sample_ms=data.sample_ms,
        step_seconds=None if step is None else step * config.batch_size,
        batch_size=config.batch_size,
        num_pictures=len(dataset),
        num_workers=num_workers,
        batch_bytes=config.batch_size * pixels * (4 * channels + 8),  # float32 picture, int64 label
        picture_bytes=round(data.decoded_bytes / len(dataset)),
    )


def spoken(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _step_seconds(config: Config, shape: tuple[int, int, int], device: torch.device) -> float | None:
    """Of one picture: two of half its sides are computed, which is half the work and enough for batch norms."""
    channels, height, width = shape
    sides = [max(SMALLEST, side // 2 // 32 * 32) for side in (height, width)]
    try:
        model = build_model(model_block(config)).to(device).train()
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        image = torch.rand(2, channels, *sides, device=device).contiguous(memory_format=torch.channels_last)
        took = []
        for _ in range(TRIALS):
            start = time.perf_counter()
            outputs = model(image)
            sum(output.float().mean() for output in outputs).backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            took.append(time.perf_counter() - start)
    except (SegwrightError, RuntimeError, AttributeError):  # it wants other sizes, or more than a picture
        return None
    quickest = min(took[1:])  # the first time much is done that is done once, and others may want the cores, too
    return quickest * height * width / (2 * sides[0] * sides[1])
