"""What a run leaves for people and programs to read: log lines, ``log.jsonl``, and tables for a spreadsheet."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segwright.engine.growing_file import GrowingFile
from segwright.errors import TrainingError

TRAIN_COLUMNS = (
    "iter",
    "epoch",
    "loss",
    "lr",
    "batch_cost",
    "reader_cost",
    "waiting",
    "ips",
    "grad_norm",
    "memory_mib",
    "gpu_memory_mib",
    "ignored_labels",
)
EVAL_COLUMNS = ("iter", "images", "loss", "mIoU", "Acc", "Kappa", "mDice", "auc_roc")


class RunLog:
    """Records of a run, with or without trackers.

    - ``log.jsonl`` holds everything: a JSON object a line, with ``event`` (``train`` or ``eval``), ``iter`` and the
      values. A number that is not finite is ``null``.
    - ``log.csv`` has a row for each ``train`` record, ``eval.csv`` for each ``eval`` record, with a column for each
      class's IoU. Columns are the same in every run; a value that a record lacks is an empty cell.

    A full disk does not end the run: see ``GrowingFile``.

    Args:
        save_dir: the run's folder.
        start: iteration that the run starts or resumes at; records of later ones, left by a run that went further
            than its last checkpoint, are dropped, and so is a last line that a killed run has cut off.
        classes: titles of the classes, as ``class_titles`` makes them.

    Raises:
        TrainingError: the files cannot be written to begin with.
    """

    def __init__(self, save_dir: Path, start: int, classes: Sequence[str] = ()) -> None:
        self.path = save_dir / "log.jsonl"
        records = [record for record in _read(self.path) if start and record["iter"] <= start]
        kinds = {event: [record for record in records if record["event"] == event] for event in ("train", "eval")}
        try:
            self._lines = GrowingFile(self.path, map(_json_line, records))
            self._tables = {
                "train": Table(save_dir / "log.csv", TRAIN_COLUMNS, kinds["train"]),
                "eval": Table(save_dir / "eval.csv", EVAL_COLUMNS, kinds["eval"], classes),
            }
        except OSError as error:
            raise TrainingError(
                f"the log of the run cannot be written to {save_dir} ({error.strerror}); make room, or choose another "
                "--save_dir"
            ) from error

    def add(self, event: str, iteration: int, **values: Any) -> None:
        """Append one record."""
        record = {"event": event, "iter": iteration, **values}
        self._lines.add(_json_line(record))
        if event in self._tables:
            self._tables[event].add(record)


class Table:
    """A CSV file with a row for each record.

    Args:
        path: the file.
        columns: keys of the records, in order.
        records: those it begins with.
        classes: titles; each adds a column, with the class's entry of the record's ``class_iou``.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        records: Iterable[Mapping[str, Any]],
        classes: Sequence[str] = (),
    ) -> None:
        self._columns, self._num_classes = columns, len(classes)
        heading = [*columns, *(f"IoU {title}" for title in classes)]
        self._lines = GrowingFile(path, [_csv_line(heading), *map(self._row, records)])

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a row."""
        self._lines.add(self._row(record))

    def _row(self, record: Mapping[str, Any]) -> str:
        ious = record.get("class_iou", ())
        return _csv_line([*map(record.get, self._columns), *ious[: self._num_classes]])


def class_titles(num_classes: int, class_names: Sequence[str] | None = None) -> list[str]:
    """``01 road`` for each class, or ``01`` where names are not known: all different, and sorted like the classes."""
    width = len(str(num_classes - 1))
    numbers = [f"{index:0{width}d}" for index in range(num_classes)]
    if class_names is None:
        return numbers
    return [f"{number} {name}" for number, name in zip(numbers, class_names, strict=True)]


def evaluation_curves(scores: Mapping[str, Any], classes: Sequence[str]) -> dict[str, float]:
    """Points for trackers from the scores of an evaluation: ``Evaluate/mIoU`` and so on, ``IoU/01 road`` and so on."""
    curves = {f"Evaluate/{name}": scores.get(name) for name in EVAL_COLUMNS if name not in ("iter", "images")}
    curves |= {f"IoU/{title}": iou for title, iou in zip(classes, scores["class_iou"], strict=True)}
    return {tag: float(value) for tag, value in curves.items() if value is not None}


def _read(path: Path) -> list[dict[str, Any]]:
    """The records of a ``log.jsonl``; what a killed run or a power cut left of a line is passed over."""
    if not path.exists():
        return []
    records = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(text)
        except ValueError:
            continue
        if isinstance(record, dict) and {"event", "iter"} <= record.keys():
            records.append(record)
    return records


def _json_line(record: Mapping[str, Any]) -> str:
    return json.dumps(_finite(record), allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    """The same with None for NaN and infinities, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv_line(values: Iterable[Any]) -> str:
    """One row; an empty cell for None."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def train_line(
    *,
    epoch: int,
    iteration: int,
    iters: int,
    loss: float,
    parts: Sequence[float],
    lr: float,
    batch_cost: float,
    reader_cost: float,
    ips: float,
) -> str:
    """The line that people grep for, as PaddleSeg writes it; the single losses follow at its end."""
    line = (
        f"[TRAIN] epoch: {epoch}, iter: {iteration}/{iters}, loss: {loss:.4f}, lr: {lr:.6f}, "
        f"batch_cost: {batch_cost:.4f}, reader_cost: {reader_cost:.5f}, ips: {ips:.4f} samples/sec "
        f"| ETA {clock((iters - iteration) * batch_cost)}"
    )
    return f"{line} | losses: {' '.join(f'{part:.4f}' for part in parts)}" if len(parts) > 1 else line


def clock(seconds: float) -> str:
    """Seconds as ``HH:MM:SS``."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
