"""In which precision, memory layout and form a model trains."""

from dataclasses import dataclass
from typing import Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import GeneralTracker
from torch import nn

from segwright.errors import ConfigError

Precision = Literal["fp32", "fp16", "bf16"]
AmpLevel = Literal["O1", "O2"]
CompileMode = Literal["default", "reduce-overhead", "max-autotune"]

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Speed:
    """How to compute; the defaults are the fastest that keep the result.

    Attributes:
        precision: of the forward pass.
        amp_level: with fp16 or bf16: ``O1`` keeps weights in fp32 and computes what gains from it in half precision,
            ``O2`` also keeps the weights of all layers but batch norms in half precision, beside a copy in fp32 that
            is what learns.
        data_format: how pictures lie in memory: ``NHWC``, channels last, in which convolutions are faster, or ``NCHW``.
            Shapes are (N, C, H, W) in both.
        compile: have ``torch.compile`` make one program of the model first: ``default``, ``reduce-overhead`` (CUDA
            graphs) or ``max-autotune``. Takes minutes before the first step; None does without.
        tf32: let GPUs multiply fp32 numbers with 10 bits behind the point instead of 23.
    """

    precision: Precision = "fp32"
    amp_level: AmpLevel = "O1"
    data_format: Literal["NHWC", "NCHW"] = "NHWC"
    compile: CompileMode | None = None
    tf32: bool = True

    def __post_init__(self) -> None:
        if self.amp_level == "O2" and self.precision == "fp32":
            raise ConfigError("amp_level O2 keeps weights in half precision: choose precision fp16 or bf16 with it")

    @property
    def memory_format(self) -> torch.memory_format:
        """Torch's word for ``data_format``."""
        return torch.channels_last if self.data_format == "NHWC" else torch.contiguous_format

    def check(self, device: torch.device) -> None:
        """Fail if the device cannot train so.

        Raises:
            ConfigError: it is a CPU, and the precision is fp16.
        """
        if self.precision == "fp16" and device.type == "cpu":
            raise ConfigError("precision fp16 does not train on a CPU; use bf16 or fp32, or a GPU")

    def shape(self, model: nn.Module) -> None:
        """Lay the model out in memory, and have it compiled at its first step if that is asked for."""
        model.to(memory_format=self.memory_format)  # type: ignore[call-overload]
        if self.compile is not None:
            model.compile(mode=self.compile)

    def accelerator(self, device: torch.device, trackers: list[GeneralTracker]) -> Accelerator:
        """The library that places the model, sets the precision and feeds the trackers of a run."""
        if device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.tf32
            torch.backends.cudnn.benchmark = True  # crops have one size, for which the fastest algorithm is sought
            torch.cuda.set_device(device)
        AcceleratorState._reset_state(reset_partial_state=True)  # an earlier run may have used another device
        return Accelerator(
            mixed_precision="no" if self.precision == "fp32" else self.precision,
            cpu=device.type == "cpu",
            log_with=trackers or None,  # it would warn of an empty list
        )
