"""What there is to compute with."""

import os
from dataclasses import dataclass

import psutil
import torch

from segwright.engine.device import select_device

GIB = 1 << 30


@dataclass(frozen=True)
class Machine:
    """A device and what feeds it.

    Attributes:
        device: where to train.
        name: of the device, in words.
        cores: that this process may use.
        memory: bytes that the device can still give.
        precision: of the forward pass that suits it.
    """

    device: torch.device
    name: str
    cores: int
    memory: int
    precision: str

    @property
    def is_gpu(self) -> bool:
        """Whether it is one that CUDA or Metal drives."""
        return self.device.type != "cpu"


def this_machine(device: str = "auto") -> Machine:
    """Look at the machine.

    Args:
        device: as ``select_device`` takes it.

    Raises:
        ConfigError: there is no such device.
    """
    chosen = select_device(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if chosen.type == "cuda":
        free, _ = torch.cuda.mem_get_info(chosen)
        half = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        return Machine(chosen, torch.cuda.get_device_name(chosen), cores, free, half)
    free = psutil.virtual_memory().available
    return Machine(chosen, "Apple GPU" if chosen.type == "mps" else f"CPU with {cores} cores", cores, free, "fp32")
