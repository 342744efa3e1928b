"""Signs of how a run is doing: memory, label maps that teach nothing, scores that fall."""

import logging
from collections.abc import Mapping
from typing import Any

import psutil
import torch
from torch import Tensor

log = logging.getLogger("segwright")

MIB = 1 << 20
FALL = 0.05  # mIoU below the best that is more than the ups and downs from one evaluation to the next
STRIDE = 16  # pixels; a label map with one that counts on this grid is not looked at closer


def memory_use(device: torch.device) -> dict[str, float]:
    """Memory in MiB, by its name in the log.

    ``memory_mib`` is what this process and those that read for it hold of the machine's memory; pages that they share
    count in each. ``gpu_memory_mib``, on CUDA only, is the most that tensors have taken on the device.
    """
    this = psutil.Process()
    held = 0
    for process in [this, *this.children(recursive=True)]:
        try:
            held += process.memory_info().rss
        except psutil.NoSuchProcess:  # it has just ended
            continue
    use = {"memory_mib": held / MIB}
    if device.type == "cuda":
        use["gpu_memory_mib"] = torch.cuda.max_memory_allocated(device) / MIB
    return use


class IgnoredLabels:
    """Counts training samples whose label map is ignored everywhere: their loss is zero, and they teach nothing.

    Args:
        ignore_index: id of pixels that do not count.
    """

    def __init__(self, ignore_index: int) -> None:
        self.ignore_index = ignore_index
        self._count = 0
        self._told = False

    def add(self, batch: Mapping[str, Any]) -> None:
        """Count in a batch, and warn of the first such sample.

        It is meant for a batch as it comes from the loader: the label, (N, H, W) or (N, C, H, W), in main memory.
        """
        empty = self._ignored(batch["label"])
        self._count += len(empty)
        if empty and not self._told:
            self._told = True
            log.warning(
                "nothing but ignored pixels (%d) is left of the label map of %s after its transforms, so this sample "
                "teaches nothing. The log counts such samples as ignored_labels; where they are many, look at the "
                "label maps and at the size that RandomPaddingCrop keeps",
                self.ignore_index,
                batch["file"][empty[0]],
            )

    def take(self) -> int:
        """Samples since the last call."""
        count, self._count = self._count, 0
        return count

    def _ignored(self, label: Tensor) -> list[int]:
        candidates = _all_equal(label[..., ::STRIDE, ::STRIDE], self.ignore_index)
        return [index for index in candidates if _all_equal(label[index : index + 1], self.ignore_index)]


def _all_equal(label: Tensor, value: int) -> list[int]:
    """Which of the N labels hold this value only."""
    return (label == value).flatten(1).all(dim=1).nonzero().flatten().tolist()


def fall_warning(miou: float, best_miou: float | None, best_iteration: int) -> str | None:
    """What to say when the validation mIoU is far below the best so far: more than 0.05; None if it is not.

    Args:
        miou: of this evaluation, 0..1.
        best_miou: of the evaluations before, None if this is the first.
        best_iteration: when that was.
    """
    if best_miou is None or best_miou - miou <= FALL:
        return None
    return (
        f"mIoU has fallen to {miou:.4f}, {best_miou - miou:.4f} below the best, {best_miou:.4f} at iteration "
        f"{best_iteration}: training may be diverging. best_model keeps the weights of that iteration. If it does "
        "not recover, train again with a lower learning rate, a longer warm-up or clipped gradients"
    )
