"""Reading back the log of a training run."""

import json
from pathlib import Path
from typing import Any

from segwright.errors import DataError
from segwright.report.data import RunLog


def read_log(path: Path) -> RunLog:
    """Train and eval records of a ``log.jsonl``.

    A last line that was cut off, because the run is going on or was killed, is passed over. Where a resumed run
    repeats an iteration, the later record counts.

    Raises:
        DataError: the file is missing, or a line before the last is not a JSON object with "event" and "iter".
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot read the training log: {error.strerror}") from error

    records: dict[str, dict[int, dict[str, Any]]] = {"train": {}, "eval": {}}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            event, iteration = record["event"], int(record["iter"])
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise DataError(
                f'{path}:{number}: want a JSON object with "event" and "iter" on each line, got {line[:60]!r}; '
                "remove the line, or give the log.jsonl that training wrote"
            ) from error
        if event in records:
            records[event][iteration] = record
    train, evals = ([by_iter[key] for key in sorted(by_iter)] for by_iter in records.values())
    return RunLog(train=train, evals=evals)
