"""The part of a model that is deployed, and what every format's writer wants to know of it."""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from segwright.bundle import OutputOp, Precision, Shape
from segwright.errors import SegwrightError
from segwright.export.picture_input import PictureInput
from segwright.runtime import EngineOptions

INPUT, OUTPUTS = "image", {"argmax": "label", "softmax": "probs", "none": "logits"}
OUTPUT_DTYPES: dict[OutputOp, str] = {"argmax": "int32", "softmax": "float32", "none": "float32"}

# Sizes to trace with where any will do. Odd, and of no common divisor: a model that only works for even sizes, or
# only where height equals width, must show it. A batch of 1 would be taken for a constant. Large, because models that
# pool with a fixed window want pictures of some size; nothing is computed while a model is traced.
TRACED = {0: 2, 2: 1603, 3: 1667}
AXES = {0: "N", 2: "H", 3: "W"}


class Deployed(nn.Module):
    """The part of a model that predictions need: its first output in evaluation, and what is done to it.

    Args:
        model: gives a list of logits, the first of them to be predicted from. It is copied, so that its mode,
            device and weights stay what they are.
        output_op: how the graph ends.
        picture_input: how it begins, where it takes pictures and gives labels or scores at their size.
    """

    def __init__(self, model: nn.Module, output_op: OutputOp, picture_input: PictureInput | None = None) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).cpu().float()
        self.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # ExecuTorch wants it
        self.output_op = output_op
        self.picture_input = picture_input
        self.shows_logits = False
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        """(N, C, H, W) float32, or pictures -> (N, H, W) int32 labels, or (N, num_classes, H, W) float32 scores."""
        logits = self.logits(image)
        return logits if self.shows_logits else self.finish(logits, image)

    def logits(self, image: Tensor) -> Tensor:
        """(N, C, H, W), or pictures -> (N, num_classes, h, w) at the network's size."""
        return self.model(image if self.picture_input is None else self.picture_input(image))[0]

    def finish(self, logits: Tensor, image: Tensor) -> Tensor:
        """Apply ``output_op``, and bring the result to the size of the pictures, where these are the input."""
        output = logits
        if self.output_op == "argmax":
            output = logits.argmax(dim=1).to(torch.int32)  # int32 is what PaddleSeg's exports give
        elif self.output_op == "softmax":
            output = logits.softmax(dim=1)
        return output if self.picture_input is None else self.picture_input.back(output, image)

    def twin(self) -> "Deployed | None":
        """The same, weights shared, but it gives logits at the network's size; None where it does anyway."""
        resized = self.picture_input is not None and self.picture_input.size is not None
        if self.output_op == "none" and not resized:
            return None
        other = copy.copy(self)
        other.shows_logits = True
        return other


class Written(NamedTuple):
    """Files of one model.

    Attributes:
        model: the file to open.
        logits: the same network, written alike, but it gives logits: to be compared, not to be shipped.
    """

    model: Path
    logits: Path


def free_axes(model: Deployed, input_shape: Shape) -> dict[int, str]:
    """Numbers and names of the input's axes whose size is left open."""
    free = {axis: name for axis, name in AXES.items() if input_shape[axis] < 0}
    return {max(axis - 1, 0): name for axis, name in free.items()} if model.picture_input is not None else free


def example(model: Deployed, input_shape: Shape) -> Tensor:
    """An input to trace with."""
    batch, channels, height, width = (TRACED[axis] if size < 0 else size for axis, size in enumerate(input_shape))
    if model.picture_input is not None:
        return torch.zeros((batch, height, width, channels), dtype=torch.uint8)
    return torch.zeros((batch, channels, height, width))


def engine_options(precision: Precision, **more: Any) -> EngineOptions:
    """To run an exported file on the engine that users will get, with torch's number of threads."""
    return EngineOptions(cpu_threads=torch.get_num_threads(), precision="int8" if precision == "int8" else None, **more)


def reason(error: BaseException) -> str:
    """What the model itself said, below what the exporter made of it; else the exporter's first lines."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, SegwrightError):
            return str(link)
        link = link.__cause__ or link.__context__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:4]) or type(error).__name__
