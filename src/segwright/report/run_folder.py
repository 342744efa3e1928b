"""Reading back what a training run recorded: settings, ledger, curves and scores."""

import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from segwright.errors import DataError
from segwright.report.data import RunLog
from segwright.report.log import read_log

LEDGER, STATE, METRICS, LOG, CONFIG = "run.json", "state.json", "metrics.json", "log.jsonl", "config.yml"
CHECKPOINTS = "iter_*"
ADVICE = "name the --save_dir of a training, one of its iter_N, or its best_model"


@dataclass(frozen=True)
class RecordedRun:
    """One run, or one checkpoint of it, as far as it was recorded; what older versions did not record is empty.

    Attributes:
        path: what was asked for.
        save_dir: folder of the whole run.
        iteration: how far it had come.
        settings: what had to be equal for the run to be resumed, with the configuration as it was given.
        config: the configuration with every default spelled out.
        ledger: code, packages, devices, data, ..., as ``engine.ledger.facts`` gives them.
        log: the records up to ``iteration``.
        scores: the last evaluation up to ``iteration``.
    """

    path: Path
    save_dir: Path
    iteration: int
    settings: dict[str, Any]
    config: dict[str, Any]
    ledger: dict[str, Any]
    log: RunLog
    scores: dict[str, Any]


def read_run(path: Path) -> RecordedRun:
    """Read a run from its ``save_dir``, one of its checkpoints ``iter_N``, or its ``best_model``.

    Raises:
        DataError: there is nothing of a run at ``path``, or a file of it is damaged.
    """
    if not path.is_dir():
        raise DataError(f"{_whereabouts(path)}; {ADVICE}")
    own, metrics = _json(path / STATE), _json(path / METRICS)
    is_part = bool(own or metrics)  # a checkpoint or the best model
    save_dir = path.absolute().parent if is_part else path
    newest = _newest_state(save_dir)
    if not is_part and not newest and not any((path / name).is_file() for name in (LEDGER, LOG, CONFIG)):
        raise DataError(
            f"{path} holds nothing of a run: neither {LEDGER} nor {LOG}, {CONFIG} or {CHECKPOINTS}; {ADVICE}"
        )
    ledger = own.get("ledger") or _json(save_dir / LEDGER) or newest.get("ledger") or {}
    settings = ledger.get("settings") or own.get("settings") or newest.get("settings") or {}
    log = read_log(save_dir / LOG) if (save_dir / LOG).is_file() else RunLog()
    end = own.get("iteration", metrics.get("iter"))
    if end is not None:  # the run may have gone on
        log = RunLog(*([row for row in rows if row["iter"] <= end] for rows in (log.train, log.evals)))
    else:
        end = max((row["iter"] for row in (*log.train, *log.evals)), default=newest.get("iteration", 0))
    return RecordedRun(
        path=path,
        save_dir=save_dir,
        iteration=end,
        settings=settings,
        config=ledger.get("config") or _yaml(save_dir / CONFIG) or settings.get("config") or {},
        ledger=ledger,
        log=log,
        scores=metrics or (log.evals[-1] if log.evals else {}),
    )


def _newest_state(save_dir: Path) -> dict[str, Any]:
    """The state of the checkpoint that has come furthest, passing over damaged ones."""
    states = []
    for file in save_dir.glob(f"{CHECKPOINTS}/{STATE}"):
        try:
            states.append(_json(file))
        except DataError:
            continue
    return max(states, key=lambda state: state.get("iteration", 0), default={})


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty if there is no such file."""
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is damaged: {error}; name another checkpoint, or the run's folder") from error
    if not isinstance(data, dict):
        raise DataError(f"{path} is not what a run writes: want a JSON object, got {type(data).__name__}")
    return data


def _yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DataError(f"{path} is damaged: {error}; restore it, or remove it to compare without it") from error
    return data if isinstance(data, dict) else {}


def _whereabouts(path: Path) -> str:
    if path.exists():
        return f"{path} is a file, not the folder of a run"
    near = get_close_matches(path.name, [entry.name for entry in path.parent.glob("*")], n=1)
    return f"there is no folder {path}{f' (did you mean {near[0]}?)' if near else ''}"
