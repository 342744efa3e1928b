"""A row of figures for each target, and the text around them."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import table
from benchmarks.targets.reference import Agreement, Reference
from segwright.bundle import Format

WANTED = 0.9999  # of the labels that are no near-ties


@dataclass(frozen=True)
class Kind:
    """What runs, the format that it reads, and the ``--engine`` of a command."""

    title: str
    file_format: Format
    engine: str = ""


TARGETS = {
    "onnx": Kind("Python", "onnx", "onnxruntime"),
    "openvino": Kind("Python", "openvino", "openvino"),
    "executorch": Kind("Python", "executorch", "executorch"),
    "torch": Kind("Python", "torch", "torch"),
    "cpp": Kind("C++", "openvino", "openvino"),
    "web": Kind("browser", "onnx"),
}


@dataclass(frozen=True)
class Row:
    """A target's figures.

    Attributes:
        target: one of ``TARGETS``.
        engine: library and version.
        files: names of the model's files.
        size: of these files together.
        takes: pictures of which size the model takes.
        agreement: of its labels with the trained model's; None where it did not run.
        start: seconds until the first label map, median of the rounds.
        milliseconds: of a picture, median of the rounds' medians.
        reason: why it did not run.
        missing: it lacks something on this machine.
    """

    target: str
    engine: str = ""
    files: str = ""
    size: str = ""
    takes: str = ""
    agreement: Agreement | None = None
    start: float = 0.0
    milliseconds: float = 0.0
    reason: str = ""
    missing: bool = False

    def cells(self) -> list[str]:
        """For the table."""
        kind = TARGETS[self.target]
        if (found := self.agreement) is None:
            return [kind.title, kind.engine, "", "", "", " ".join(self.reason.split()), "", "", ""]
        equal = f"{found.equal} of {found.pixels} ({found.equal / found.pixels:.4%})"
        away = f"{found.away:.4%}, {found.different} differ"
        times = [f"{self.start:.2f} s", f"{self.milliseconds:.1f} ms"]
        return [kind.title, self.engine, self.files, self.size, self.takes, equal, away, *times]

    def passed(self, *, require: bool) -> bool:
        """Whether it agrees; what is missing passes unless it is required."""
        return self.agreement.away >= WANTED if self.agreement else self.missing and not require


def text(title: str, reference: Reference, rows: Sequence[Row], machine: str) -> str:
    """What was compared, the table, what the times mean beside each other, and the machine."""
    height, width = reference.labels[0].shape
    predicted = len(set().union(*(label.ravel().tolist() for label in reference.labels)))
    ties, pixels = (sum(int(one.sum()) for one in reference.ties), sum(one.size for one in reference.ties))
    head = ["", "engine", "file", "size", "takes", "equal labels", "away from near-ties", "first mask", "a picture"]
    compared = (
        f"**{title}**: {len(reference.labels)} pictures of {width}x{height}, {reference.size.width}x"
        f"{reference.size.height} for the network, on which the trained model predicts {predicted} of "
        f"{reference.num_classes} classes. In {ties} of {pixels} pixels its two best logits are within "
        f"{reference.near:.0e} of each other: near-ties."
    )
    return "\n\n".join(filter(None, [compared, table(head, [row.cells() for row in rows]), ratios(rows), machine]))


def ratios(rows: Sequence[Row]) -> str:
    """How long C++ and the browser take beside Python on the same file, as far as they ran."""
    took = {row.target: row.milliseconds for row in rows if row.agreement}
    return " ".join(
        f"{words} takes {took[name] / took[python]:.2f} times as long as Python with {TARGETS[python].engine} on the "
        "same file."
        for name, python, words in (("cpp", "openvino", "C++"), ("web", "onnx", "The browser's WebAssembly"))
        if {name, python} <= took.keys()
    )
