"""What of a chain can run here."""

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Machine:
    """What this machine has.

    Attributes:
        gpus: CUDA devices that PyTorch can train on.
        providers: ONNX Runtime's, by their names there.
        openvino: whether OpenVINO is installed, whose CPU kernels are oneDNN's.
    """

    gpus: int
    providers: tuple[str, ...]
    openvino: bool


def this_machine() -> Machine:
    """Look."""
    import torch

    providers: tuple[str, ...] = ()
    if find_spec("onnxruntime"):
        import onnxruntime

        providers = tuple(onnxruntime.get_available_providers())
    return Machine(torch.cuda.device_count(), providers, find_spec("openvino") is not None)
