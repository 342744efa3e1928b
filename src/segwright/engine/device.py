"""Which device to run on."""

import torch

from segwright.errors import ConfigError


def select_device(name: str = "auto") -> torch.device:
    """Device for ``auto``, ``cpu``, ``gpu``, ``cuda:1``, ``mps``.

    Raises:
        ConfigError: there is no such device on this machine.
    """
    gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else None
    if name == "auto":
        return torch.device(gpu or "cpu")
    if name == "gpu" and gpu is None:
        raise ConfigError("--device gpu: PyTorch finds no GPU on this machine; use --device cpu")
    try:
        device = torch.device(gpu if name == "gpu" else name)  # type: ignore[arg-type]
    except RuntimeError as error:
        raise ConfigError(f"--device {name}: want auto, cpu, gpu, cuda:N or mps") from error
    if device.type == "cuda" and (gpu != "cuda" or (device.index or 0) >= torch.cuda.device_count()):
        raise ConfigError(f"--device {name}: PyTorch finds {torch.cuda.device_count()} CUDA devices on this machine")
    return device
