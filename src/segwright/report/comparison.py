"""Two recorded runs side by side: what was set differently, what came out differently, and what may explain it."""

from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any

from segwright.datasets.digest import changes, read_listing
from segwright.registry import DATASETS
from segwright.report.differences import Difference, differences
from segwright.report.run_folder import RecordedRun

MEANS = ("mIoU", "Acc", "Kappa", "mDice", "auc_roc")
LEDGER_PARTS = ("code", "packages", "data", "devices")
DATA = {"train_dataset": "train", "val_dataset": "val"}  # sections of the configuration -> use in the ledger
NAMED = 3  # differences of one kind that the explanation names
IN_SETTINGS = ("iters", "batch_size")  # which stand in the configuration too


@dataclass(frozen=True)
class Point:
    """One curve of A and of B at an iteration."""

    iteration: int
    a: float
    b: float


@dataclass(frozen=True)
class Curves:
    """The training losses of two runs.

    Attributes:
        num_common: iterations that both logged.
        last_equal: the last one up to which all logged losses are the same to the last digit.
        first: the first one where they are not.
        last: the last that both logged.
    """

    num_common: int = 0
    last_equal: int | None = None
    first: Point | None = None
    last: Point | None = None


@dataclass(frozen=True)
class Score:
    """One score, 0..1, of A and of B; None where it was not computed or is undefined."""

    name: str
    a: float | None
    b: float | None

    @property
    def gain(self) -> float | None:
        """By how much B is better."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True)
class Comparison:
    """Everything that ``segwright why`` tells.

    Attributes:
        settings: what people chose.
        code: segwright's version, source and commit.
        packages: versions.
        data: what happened to the files, in sentences.
        machine: what changes the last digits of numbers only: devices, threads, processors, variables.
        unrecorded: parts that at least one run, being older, did not record.
        curves: of the training loss.
        scores: means over all classes, the best mIoU first.
        classes: IoU of each class, the largest difference first.
        explanation: one paragraph.
    """

    settings: list[Difference] = field(default_factory=list)
    code: list[Difference] = field(default_factory=list)
    packages: list[Difference] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    machine: list[Difference] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    curves: Curves = Curves()
    scores: list[Score] = field(default_factory=list)
    classes: list[Score] = field(default_factory=list)
    explanation: str = ""


def compare_runs(a: RecordedRun, b: RecordedRun) -> Comparison:
    """Find what differs between two runs."""
    parts: dict[str, Any] = {
        "settings": _settings(a, b),
        "code": _code(a, b),
        "packages": _section(a, b, "packages"),
        "data": _data(a, b),
        "machine": [
            *_section(a, b, "devices"),
            *(row for row in _section(a, b, "host") if row.key != "name"),
            *_section(a, b, "environment"),
        ],
        "unrecorded": _unrecorded(a, b),
        "curves": _curves(a, b),
    }
    names = _class_names(b) or _class_names(a)
    return Comparison(**parts, scores=_scores(a, b), classes=_classes(a, b, names), explanation=_explain(**parts))


def _settings(a: RecordedRun, b: RecordedRun) -> list[Difference]:
    flat_a, flat_b = ({key: value for key, value in run.settings.items() if key != "config"} for run in (a, b))
    in_config = [_config(run) for run in (a, b)]
    given = [run.settings.get("config") for run in (a, b)]
    rows = differences(flat_a, flat_b) + differences(*in_config, *given)
    uses = (a.ledger.get("data") or {}).keys() & (b.ledger.get("data") or {}).keys()
    return [row for row in rows if not (DATA.get(row.group) in uses and _is_place(row.key))]


def _config(run: RecordedRun) -> dict[str, Any]:
    return {key: value for key, value in run.config.items() if not (key in IN_SETTINGS and key in run.settings)}


def _is_place(key: str) -> bool:
    """Whether it only says where data lie; where the ledger knows them, what lies there is compared instead."""
    return key == "dataset_root" or key.endswith("_path")


def _section(a: RecordedRun, b: RecordedRun, name: str) -> list[Difference]:
    """Differences in a part of the ledger that both runs have."""
    if name not in a.ledger or name not in b.ledger:
        return []
    return differences({name: a.ledger[name]}, {name: b.ledger[name]})


def _code(a: RecordedRun, b: RecordedRun) -> list[Difference]:
    """Nothing where the source files are the same, whatever commit they come from."""
    rows = _section(a, b, "code")
    return rows if any(row.key in ("source", "version") for row in rows) else []


def _data(a: RecordedRun, b: RecordedRun) -> list[str]:
    rows = []
    of_a, of_b = (run.ledger.get("data") or {} for run in (a, b))
    for use in [use for use in of_a if use in of_b]:
        before, after = of_a[use], of_b[use]
        if before["digest"] == after["digest"]:
            continue
        listings = read_listing(a.save_dir, before["digest"]), read_listing(b.save_dir, after["digest"])
        if listings[0] and listings[1]:
            rows += [f"{use}: {row}" for row in changes(listings[0], listings[1])]
        else:
            rows.append(f"{use}: {before['pairs']} pairs -> {after['pairs']}, with other contents; files not listed")
    return rows


def _unrecorded(a: RecordedRun, b: RecordedRun) -> list[str]:
    missing = [] if (a.settings or a.config) and (b.settings or b.config) else ["settings"]
    return missing + [part for part in LEDGER_PARTS if not (a.ledger.get(part) and b.ledger.get(part))]


def _curves(a: RecordedRun, b: RecordedRun) -> Curves:
    of_a, of_b = (
        {row["iter"]: row["loss"] for row in run.log.train if isfinite(row.get("loss", nan))} for run in (a, b)
    )
    common = [Point(iteration, of_a[iteration], of_b[iteration]) for iteration in of_a if iteration in of_b]
    if not common:
        return Curves()
    first = next((index for index, point in enumerate(common) if point.a != point.b), len(common))
    return Curves(
        num_common=len(common),
        last_equal=common[first - 1].iteration if first else None,
        first=common[first] if first < len(common) else None,
        last=common[-1],
    )


def _scores(a: RecordedRun, b: RecordedRun) -> list[Score]:
    best = [max((row["mIoU"] for row in run.log.evals if row.get("mIoU") is not None), default=None) for run in (a, b)]
    rows = [Score("best mIoU", *best), *(Score(name, a.scores.get(name), b.scores.get(name)) for name in MEANS)]
    return [row for row in rows if (row.a, row.b) != (None, None)]


def _classes(a: RecordedRun, b: RecordedRun, names: tuple[str, ...]) -> list[Score]:
    of_a, of_b = (run.scores.get("class_iou") or [] for run in (a, b))
    if len(of_a) != len(of_b):  # not the same classes
        return []
    if len(names) != len(of_a):
        names = tuple(map(str, range(len(of_a))))
    return sorted(map(Score, names, of_a, of_b), key=lambda row: -abs(row.gain or 0))


def _class_names(run: RecordedRun) -> tuple[str, ...]:
    block = run.config.get("val_dataset") or {}
    return tuple(block.get("class_names") or getattr(DATASETS.get(block.get("type", "")), "class_names", None) or ())


def _explain(
    *,
    settings: list[Difference],
    code: list[Difference],
    packages: list[Difference],
    data: list[str],
    machine: list[Difference],
    unrecorded: list[str],
    curves: Curves,
) -> str:
    unknown = f" Not recorded by both: {', '.join(unrecorded)}." if unrecorded else ""
    equal = f"all {curves.num_common} losses that both logged are the same" if curves.num_common else ""
    causes = [
        *([_count(settings, "setting")] if settings else []),
        *(["segwright's code"] if code else []),
        *([_count(packages, "package version")] if packages else []),
        *(["the data"] if data else []),
    ]
    if causes:
        start = f"The runs differ in {_and(causes)}"
        return f"{start}, yet {equal}.{unknown}" if equal and not curves.first else f"{start}.{unknown}"
    alike = _and([part for part in ("settings", "code", "packages", "data") if part not in unrecorded])
    start = f"Same {alike}" if alike else "Nothing is recorded that could differ"
    if not curves.first:
        return f"{start}{f', and {equal}' if equal else ''}.{unknown}"
    if machine:
        places = _and([f"{row.group}.{row.key}" for row in machine])
        return (
            f"{start}: the differences come from the machine ({places}), which decides in which order sums are taken "
            f"and so their last digits; training makes them grow.{unknown}"
        )
    return (
        f"{start}, on the same kind of machine: what remains is what nobody records, such as code outside segwright, "
        f"or a GPU's sums that are taken in any order.{unknown}"
    )


def _count(rows: list[Difference], what: str) -> str:
    """``2 settings (seed, optimizer momentum)``."""
    names = [row.key if row.group in ("", "packages") else f"{row.group}.{row.key}" for row in rows[:NAMED]]
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"{len(rows)} {what}{'s' * (len(rows) != 1)} ({', '.join(names)}{more})"


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
