"""Which device to run on."""

import os

import torch

from segwright.errors import ConfigError

KINDS = ("cpu", "cuda", "mps")  # what is tested; PyTorch knows the names of more


def select_device(name: str = "auto") -> torch.device:
    """Device for ``auto``, ``cpu``, ``gpu``, ``cuda:1``, ``mps``.

    Where ``torchrun`` has started several processes on this machine, ``auto`` and ``gpu`` give each a GPU of its own.

    Raises:
        ConfigError: there is no such device on this machine.
    """
    gpu = _gpu()
    if name == "gpu" and gpu is None:
        raise ConfigError("--device gpu: PyTorch finds no GPU on this machine; use --device cpu")
    if name in ("auto", "gpu"):
        name = gpu or "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in KINDS:
        raise ConfigError(f"--device {name}: want auto, cpu, gpu, cuda:N or mps")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"--device {name}: PyTorch finds {torch.cuda.device_count()} CUDA devices on this machine")
    return device


def _gpu() -> str | None:
    if torch.cuda.is_available():
        return f"cuda:{os.environ['LOCAL_RANK']}" if int(os.environ.get("LOCAL_WORLD_SIZE", "1")) > 1 else "cuda"
    return "mps" if torch.backends.mps.is_available() else None
