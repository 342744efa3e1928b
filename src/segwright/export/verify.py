"""The exported file beside the model it came from: the same inputs through both, every number compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from segwright.bundle import Precision
from segwright.errors import ExportError
from segwright.export.deployed import Deployed, Written, engine_options
from segwright.runtime import EngineOptions, open_engine
from segwright.transforms.inverse import nearest
from segwright.types import Size

LOGIT_TOLERANCE = 1e-3
RELATIVE_TOLERANCE = 1e-5  # of the largest logit: float32 holds seven digits, and sums lose two

# Share of labels, ties aside, without which something is wrong. What int8 may change, scores on data decide.
LEAST_AGREEMENT: dict[Precision, float] = {"fp32": 1.0, "fp16": 0.99, "int8": 0.5}


@dataclass(frozen=True)
class Case:
    """An input of the network with what the torch model makes of it.

    Attributes:
        batch: (N, C, H, W) float32, or (N, H, W, 3) uint8 where the graph begins with pictures.
        logits: (N, num_classes, h, w) float32, of the torch model, at the network's size.
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
                output = model.finish(logits, torch.from_numpy(batch))
        except RuntimeError as error:
            raise ExportError(
                f"{name} itself fails on an input of shape {list(batch.shape)}: {error}; export for a shape that it "
                "takes: --input_shape N C H W"
            ) from error
        if not torch.isfinite(logits).all():
            raise ExportError(f"{name} gives logits that are not finite: its weights are damaged, or training diverged")
        return cls(batch, logits.numpy(), output.numpy())


@dataclass(frozen=True)
class Compared:
    """One input through both.

    Attributes:
        shape: of the input.
        logit_difference: largest absolute difference of a logit.
        different: pixels with another label, ties not counted.
        ties: pixels whose two best scores are so near to each other that either label is right.
        pixels: pixels compared.
        label: (H, W) of the first picture of the batch, by the exported file.
        expected: the same, by the model.
        differences: (h, w) float32, the largest difference of a logit in each pixel, at the network's size.
    """

    shape: tuple[int, ...]
    logit_difference: float
    different: int
    ties: int
    pixels: int
    label: np.ndarray
    expected: np.ndarray
    differences: np.ndarray

    @property
    def agreement(self) -> float:
        """Share of pixels with the same label, ties counted as such, 0..1."""
        return 1 - self.different / self.pixels

    @classmethod
    def of(cls, case: Case, output: np.ndarray, logits: np.ndarray, near: float) -> "Compared":
        """From what an engine gave, and its twin; scores within ``near`` of each other are a tie.

        Raises:
            ExportError: another shape or type than the model's.
        """
        if output.shape != case.output.shape or output.dtype != case.output.dtype or logits.shape != case.logits.shape:
            raise ExportError(
                f"the exported graph gives {output.dtype} of shape {list(output.shape)} where the model gives "
                f"{case.output.dtype} of shape {list(case.output.shape)}; nothing was written"
            )
        differences = np.abs(logits - case.logits).max(axis=1)
        label, expected = (scores if scores.ndim == 3 else scores.argmax(axis=1) for scores in (output, case.output))
        tie = margin(case.logits if output.ndim == 3 else case.output) <= near
        if tie.shape != label.shape:  # at the network's size, and the labels at the picture's
            tie = np.stack([nearest(one, Size(*label.shape[1:])) for one in tie])
        return cls(
            shape=case.batch.shape,
            logit_difference=float(differences.max()),
            different=int(((label != expected) & ~tie).sum()),
            ties=int(tie.sum()),
            pixels=tie.size,
            label=label[0],
            expected=expected[0],
            differences=differences[0],
        )


@dataclass(frozen=True)
class Verification:
    """How the exported file differs from the model.

    Attributes:
        engine: what ran the file.
        precision: of the file.
        tolerance: largest difference of a logit that is allowed; infinite where the file has less precision.
        inputs: each input.
    """

    engine: str
    precision: Precision
    tolerance: float
    inputs: tuple[Compared, ...]

    @property
    def logit_difference(self) -> float:
        """Largest absolute difference of a logit; NaN if one is."""
        return float(np.max([one.logit_difference for one in self.inputs]))

    @property
    def different(self) -> int:
        """Pixels with another label, ties not counted."""
        return sum(one.different for one in self.inputs)

    @property
    def ties(self) -> int:
        """Pixels whose two best scores are so near to each other that either label is right."""
        return sum(one.ties for one in self.inputs)

    @property
    def pixels(self) -> int:
        """Pixels compared."""
        return sum(one.pixels for one in self.inputs)

    @property
    def passed(self) -> bool:
        """Whether the file may be used in the model's place. NaN does not pass."""
        return self.logit_difference <= self.tolerance and self.agreement >= LEAST_AGREEMENT[self.precision]

    @property
    def agreement(self) -> float:
        """Share of pixels with the same label, ties counted as such, 0..1."""
        return 1 - self.different / self.pixels

    def __str__(self) -> str:
        sizes = ", ".join("x".join(map(str, one.shape)) for one in self.inputs)
        allowed = f" (allowed {self.tolerance:.0e})" if self.precision == "fp32" else ""
        return (
            f"on {self.engine}: largest logit difference {self.logit_difference:.2e}{allowed}, "
            f"{self.different} of {self.pixels} labels differ ({self.ties} near-ties left out), inputs {sizes}"
        )


def verify(
    written: Written, file_format: str, precision: Precision, cases: Sequence[Case], engine: str = "auto"
) -> Verification:
    """Run the file that ships, and its twin that shows logits, and compare both with the torch model.

    In float32 a logit may differ by 1e-3, or by 1e-5 of the largest logit where that is more, and no label but those of
    near-ties. With less precision all differences count, and are reported; see ``LEAST_AGREEMENT``.

    Args:
        written: the exported files.
        file_format: theirs.
        precision: theirs.
        cases: inputs, with what the torch model makes of them.
        engine: what runs the file; by default the first that is installed.

    Raises:
        ExportError: the file does not run, or differs; the message holds the figures.
        MissingExtraError: no engine for the format is installed.
    """
    options = engine_options(precision, engine=engine, keep_memory=False)
    title, outputs = _outputs(written.model, file_format, cases, options)
    shown = outputs if written.logits == written.model else _outputs(written.logits, file_format, cases, options)[1]
    exact = precision == "fp32"
    tolerance = logit_tolerance(cases) if exact else np.inf

    near = 2 * tolerance if exact else 0.0
    compared = [Compared.of(*one, near) for one in zip(cases, outputs, shown, strict=True)]
    found = Verification(title, precision, tolerance, tuple(compared))
    if not found.passed:
        raise ExportError(f"the exported file is not equal to the model, so nothing was written: {found}")
    return found


def logit_tolerance(cases: Sequence[Case]) -> float:
    """By how much a logit may differ in float32; two scores within twice that of each other are a near-tie."""
    largest = max(float(np.abs(case.logits).max()) for case in cases)
    return max(LOGIT_TOLERANCE, RELATIVE_TOLERANCE * largest)


def margin(logits: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, H, W): by how much the best class leads; infinite if there is only one."""
    if logits.shape[1] == 1:
        return np.full(logits[:, 0].shape, np.inf, np.float32)
    best = np.partition(logits, -2, axis=1)
    return best[:, -1] - best[:, -2]


def _outputs(
    path: Path, file_format: str, cases: Sequence[Case], options: EngineOptions
) -> tuple[str, list[np.ndarray]]:
    """The engine's title, and the output for each case. The engine ends here: of a large network two do not fit."""
    opened = open_engine(path, file_format, options)
    return opened.title, [opened.run(case.batch) for case in cases]
