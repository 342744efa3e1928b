"""Trackers that are services and give runs ids: Weights & Biases and MLflow. Both work without a network too."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.tracking import MLflowTracker, WandBTracker

from segwright import atomic

PROJECT = "segwright"
"""Project or experiment that runs belong to, unless the service's own environment variable names another."""


class RunIds:
    """The ids that services gave to a run, in ``save_dir/trackers.json``: a resumed run goes on under them.

    Args:
        save_dir: the run's folder.
        resumed: whether ids of an earlier run in this folder are this run's.
    """

    def __init__(self, save_dir: Path, *, resumed: bool) -> None:
        self._path = save_dir / "trackers.json"
        self._ids: dict[str, str] = {}
        if resumed and self._path.is_file():
            self._ids = json.loads(self._path.read_text(encoding="utf-8"))

    def get(self, service: str) -> str | None:
        """The run's id there, None if it is new."""
        return self._ids.get(service)

    def keep(self, service: str, run_id: str) -> None:
        """Write an id down."""
        self._ids[service] = run_id
        atomic.write_json(self._path, self._ids)


class WandB(WandBTracker):
    """Weights & Biases; with ``WANDB_MODE=offline`` it all stays in ``save_dir/wandb``, for ``wandb sync``.

    Curves are drawn over ``iter``, a value of their own. W&B's steps can only grow, so what a run repeats after it was
    killed and resumed would be refused.
    """

    def __init__(self, save_dir: Path, ids: RunIds) -> None:
        super().__init__(
            os.environ.get("WANDB_PROJECT", PROJECT),
            dir=str(save_dir),
            name=save_dir.resolve().name,
            id=ids.get("wandb"),
            resume="allow",
        )
        self._ids = ids

    def start(self) -> None:
        """Open the run, or go on with it."""
        super().start()
        self.run.define_metric("iter")
        self.run.define_metric("*", step_metric="iter")
        self._ids.keep("wandb", self.run.id)

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Add one point to each curve."""
        super().log({"iter": step, **values})

    def log_images(self, values: Mapping[str, np.ndarray], step: int | None = None, **_: Any) -> None:
        """Add one picture to each series."""
        import wandb

        self.log({tag: wandb.Image(image) for tag, image in values.items()}, step)


class MLflow(MLflowTracker):
    """MLflow, where ``MLFLOW_TRACKING_URI`` says: at a server, or in ``file:FOLDER`` on this machine.

    The configuration is kept as parameters, and as ``config.json`` among the artifacts. Parameters cannot change in
    MLflow: where a resumed run has another configuration, the file has the present one.
    """

    def __init__(self, save_dir: Path, ids: RunIds) -> None:
        super().__init__(PROJECT, run_id=ids.get("mlflow"), run_name=save_dir.resolve().name)
        self._ids = ids

    def start(self) -> None:
        """Open the run, or go on with it."""
        if "MLFLOW_TRACKING_URI" in os.environ:
            # Who names a folder has chosen it; MLflow 3 would refuse it, to recommend databases.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        super().start()
        self._ids.keep("mlflow", self.active_run.info.run_id)

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Keep the configuration."""
        import mlflow

        mlflow.log_dict(values, "config.json")
        known = self.active_run.data.params
        super().store_init_configuration({name: value for name, value in _flat(values).items() if name not in known})

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Add one point to each curve."""
        super().log({_allowed(tag): value for tag, value in values.items()}, step)

    def log_images(self, values: Mapping[str, np.ndarray], step: int | None = None, **_: Any) -> None:
        """Add one picture to each series."""
        import mlflow

        for tag, image in values.items():
            mlflow.log_image(image, key=_allowed(tag), step=step, synchronous=True)


def _allowed(name: str) -> str:
    """The name with what MLflow takes in names of metrics and pictures."""
    return re.sub(r"[^A-Za-z0-9_\-. /]", "_", name)


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Leaves of a configuration by their path: ``{"model.num_classes": 19, "loss.coef.0": 1}``."""
    entries: Sequence[tuple[Any, Any]]
    if isinstance(value, Mapping):
        entries = list(value.items())
    elif isinstance(value, list | tuple):
        entries = list(enumerate(value))
    else:
        return {_allowed(name): value}
    leaves: dict[str, Any] = {}
    for key, entry in entries:
        leaves |= _flat(entry, f"{name}.{key}" if name else str(key))
    return leaves
