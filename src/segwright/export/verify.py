"""The exported file beside the model it came from: the same inputs through both, every number compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from segwright.errors import ExportError
from segwright.export.onnx import INPUT, Deployed, with_logits

if TYPE_CHECKING:
    import onnxruntime

LOGIT_TOLERANCE = 1e-3
RELATIVE_TOLERANCE = 1e-5  # of the largest logit: float32 holds seven digits, and sums lose two


@dataclass(frozen=True)
class Case:
    """An input of the network with what the torch model makes of it.

    Attributes:
        batch: (N, C, H, W) float32.
        logits: (N, num_classes, H, W) float32, of the torch model.
        output: the torch model's output: labels, probabilities or logits.
    """

    batch: np.ndarray
    logits: np.ndarray
    output: np.ndarray

    @classmethod
    def of(cls, model: Deployed, batch: np.ndarray) -> "Case":
        """Run the torch model.

        Raises:
            ExportError: the model fails on this input, or gives numbers that are not finite.
        """
        name = type(model.model).__name__
        try:
            with torch.inference_mode():
                logits = model.logits(torch.from_numpy(batch))
                output = model.finish(logits)
        except RuntimeError as error:
            raise ExportError(
                f"{name} itself fails on an input of shape {list(batch.shape)}: {error}; export for a shape that it "
                "takes: --input_shape N C H W"
            ) from error
        if not torch.isfinite(logits).all():
            raise ExportError(f"{name} gives logits that are not finite: its weights are damaged, or training diverged")
        return cls(batch, logits.numpy(), output.numpy())


@dataclass(frozen=True)
class Verification:
    """How the exported file differs from the model.

    Attributes:
        logit_difference: largest absolute difference of a logit.
        tolerance: largest that is allowed.
        different: pixels with another label, ties not counted.
        ties: pixels whose two best logits are within twice the tolerance, so that either label is right.
        pixels: pixels compared.
        shapes: N, C, H, W of each input.
    """

    logit_difference: float
    tolerance: float
    different: int
    ties: int
    pixels: int
    shapes: tuple[tuple[int, ...], ...]

    @property
    def passed(self) -> bool:
        """Whether the file may be used in the model's place. NaN does not pass."""
        return self.logit_difference <= self.tolerance and self.different == 0

    def __str__(self) -> str:
        sizes = ", ".join("x".join(map(str, shape)) for shape in self.shapes)
        return (
            f"largest logit difference {self.logit_difference:.2e} (allowed {self.tolerance:.0e}), "
            f"{self.different} of {self.pixels} labels differ ({self.ties} near-ties left out), inputs {sizes}"
        )


def verify(path: Path, model: Deployed, cases: Sequence[Case]) -> Verification:
    """Run the file that ships, and a copy of it that shows its logits, and compare both with the torch model.

    A logit may differ by 1e-3, or by 1e-5 of the largest logit where that is more.

    Args:
        path: the exported file.
        model: what it was exported from.
        cases: inputs, with what ``model`` makes of them.

    Raises:
        ExportError: the file does not run, or differs; the message holds the figures.
    """
    import onnx

    outputs = _outputs(str(path), None, cases, path)
    opened, logits_name = with_logits(onnx.load(str(path)), model.output_op)
    shown = _outputs(opened.SerializeToString(), [logits_name], cases, path)
    largest = max(float(np.abs(case.logits).max()) for case in cases)
    tolerance = max(LOGIT_TOLERANCE, RELATIVE_TOLERANCE * largest)

    differences, different, ties, pixels = [], 0, 0, 0
    for case, output, logits in zip(cases, outputs, shown, strict=True):
        if output.shape != case.output.shape or output.dtype != case.output.dtype or logits.shape != case.logits.shape:
            raise ExportError(
                f"the exported graph gives {output.dtype} of shape {list(output.shape)} where the model gives "
                f"{case.output.dtype} of shape {list(case.output.shape)}; nothing was written"
            )
        differences.append(np.abs(logits - case.logits).max())
        label = output if model.output_op == "argmax" else output.argmax(axis=1)
        tie = _margin(case.logits) <= 2 * tolerance
        different += int(((label != case.logits.argmax(axis=1)) & ~tie).sum())
        ties += int(tie.sum())
        pixels += tie.size
    found = Verification(
        float(np.max(differences)), tolerance, different, ties, pixels, tuple(case.batch.shape for case in cases)
    )
    if not found.passed:
        raise ExportError(f"the exported file is not equal to the model, so nothing was written: {found}")
    return found


def _margin(logits: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, H, W): by how much the best class leads; infinite if there is only one."""
    if logits.shape[1] == 1:
        return np.full(logits[:, 0].shape, np.inf, np.float32)
    best = np.partition(logits, -2, axis=1)
    return best[:, -1] - best[:, -2]


def _outputs(model: str | bytes, names: list[str] | None, cases: Sequence[Case], path: Path) -> list[np.ndarray]:
    """The first output of a graph for each case. The session ends here: of a large network two do not fit in memory."""
    session = _session(model)
    return [_run(session, names, case.batch, path)[0] for case in cases]


def _session(model: str | bytes) -> "onnxruntime.InferenceSession":
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    settings.enable_cpu_mem_arena = False  # which would keep what it once needed, and twice as much
    settings.enable_mem_pattern = False
    settings.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ExportError(f"ONNX Runtime cannot load the exported graph: {error}") from error


def _run(session: "onnxruntime.InferenceSession", names: list[str] | None, batch: np.ndarray, path: Path) -> list:
    try:
        return session.run(names, {INPUT: batch})
    except Exception as error:
        raise ExportError(
            f"ONNX Runtime cannot run the exported {path.name} on an input of shape {list(batch.shape)}: {error}"
        ) from error
