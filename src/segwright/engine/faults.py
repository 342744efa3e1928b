"""What can go wrong in a step, and how it is told."""

import logging
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from segwright.errors import TrainingError

log = logging.getLogger("segwright")

NO_MEMORY = re.compile("can't allocate memory|not enough memory|out of memory", re.IGNORECASE)
BATCH_FOLDER = "nonfinite"


class Buffers:
    """Statistics of batch norms and the like as they were before a step, to go back to if it fails."""

    def __init__(self, model: nn.Module) -> None:
        self.live = list(model.buffers())
        self.kept = [buffer.clone() for buffer in self.live]
        self.stepping = False

    @torch.no_grad()
    def keep(self) -> None:
        """Take a copy: a step begins."""
        self.stepping = True
        for kept, live in zip(self.kept, self.live, strict=True):
            kept.copy_(live)

    def release(self) -> None:
        """The step is done: what it has changed is to stay."""
        self.stepping = False

    @torch.no_grad()
    def restore(self) -> None:
        """Bring the copy back, unless the step is done."""
        if not self.stepping:
            return
        for kept, live in zip(self.kept, self.live, strict=True):
            live.copy_(kept)


def not_finite(parts: Sequence[float], names: Sequence[str], gradient_norm: float) -> str:
    """What of a step is infinite or no number, in words; empty if nothing is."""
    bad = [f"{name}: {part}" for name, part in zip(names, parts, strict=True) if not math.isfinite(part)]
    if bad:
        return f"the loss is not finite ({', '.join(bad)})"
    return "" if math.isfinite(gradient_norm) else f"the loss is finite but its gradient is not ({gradient_norm})"


def save_batch(folder: Path, iteration: int, rank: int, tensors: dict[str, Tensor]) -> Path:
    """Keep the tensors of a batch, to be looked at: ``nonfinite/batch_17_0.safetensors``."""
    path = folder / BATCH_FOLDER / f"batch_{iteration}_{rank}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, path)
    return path


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that main memory or a device's was not enough."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or bool(NO_MEMORY.search(str(error)))


@contextmanager
def explaining_memory(*, batch_size: int, accumulate: int, precision: str) -> Iterator[None]:
    """Say what helps when a step needs more memory than there is.

    Raises:
        TrainingError: it did.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        remedies = ["a smaller crop or Resize in train_dataset.transforms"]
        if batch_size > 1:
            half = -(-batch_size // 2)
            remedies.insert(0, f"--batch_size {half} --accumulate {accumulate * 2}, which learns from as many pictures")
        if precision == "fp32":
            remedies.append("--precision bf16")
        remedies.append("fewer --num_workers, if it is the main memory that is full")
        raise TrainingError(
            f"memory ran out with {batch_size} pictures a step in {precision}. What helps, most first: "
            f"{'; '.join(remedies)}. What was asked for: {str(error).splitlines()[0]}"
        ) from error
