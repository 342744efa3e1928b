"""Where the curves and pictures of a run can be watched while it goes on, through Accelerate's trackers.

Each takes scalars with ``log(values, step)`` and pictures, (H, W, 3) uint8 RGB, with ``log_images(values, step)``.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.tracking import GeneralTracker, TensorBoardTracker

from segwright.engine.tracking_services import MLflow, RunIds, WandB
from segwright.errors import ConfigError, MissingExtraError, suggest

log = logging.getLogger("segwright")

EXTRAS = {"vdl": "visualdl", "wandb": "wandb", "mlflow": "mlflow"}
"""For trackers that are extras of this package: the module that each needs."""


def chosen_trackers(names: Sequence[str] | None, *, use_vdl: bool = False) -> list[str]:
    """Names of the trackers that are meant, each once.

    Args:
        names: as given, ``["none"]`` for no tracker; None if nothing was said: TensorBoard, or VisualDL instead with
            ``use_vdl``.
        use_vdl: VisualDL as well as ``names``.

    Raises:
        ConfigError: a name is unknown, or ``none`` stands beside others.
    """
    if names is None:
        return ["vdl"] if use_vdl else ["tensorboard"]
    wanted = list(dict.fromkeys([*names, "vdl"] if use_vdl else names))
    known = ("tensorboard", *EXTRAS, "none")
    for name in wanted:
        if name not in known:
            raise ConfigError(f"there is no tracker '{name}'; {suggest(name, known)}")
    if "none" in wanted and len(wanted) > 1:
        others = ", ".join(name for name in wanted if name != "none")
        raise ConfigError(f"tracker none and {others} contradict each other; leave one out")
    return [name for name in wanted if name != "none"]


def make_trackers(
    names: Sequence[str], save_dir: Path, start_iteration: int, config: Mapping[str, Any] | None = None
) -> list[GeneralTracker]:
    """Trackers for ``Accelerator(log_with=...)``, whose ``init_trackers`` starts them in the first process only.

    Args:
        names: as ``chosen_trackers`` returns them.
        save_dir: the run's folder.
        start_iteration: iteration that the run starts or resumes at; above 0, curves of the run go on.
        config: the merged configuration, for trackers that keep one.

    Raises:
        MissingExtraError: a tracker's library is not installed.
    """
    for name in names:
        if name in EXTRAS and not _installed(EXTRAS[name]):
            raise MissingExtraError(f"tracker {name}", name)
    ids = RunIds(save_dir, resumed=start_iteration > 0)
    makers: dict[str, Callable[[], GeneralTracker]] = {
        "tensorboard": lambda: TensorBoard(save_dir, start_iteration),
        "vdl": lambda: VisualDL(save_dir),
        "wandb": lambda: WandB(save_dir, ids),
        "mlflow": lambda: MLflow(save_dir, ids),
    }
    return [GuardedTracker(makers[name](), dict(config or {})) for name in names]


def _installed(module: str) -> bool:
    """Whether there is such a module; a mere folder of this name, such as W&B leaves where it runs, has no origin."""
    spec = find_spec(module)
    return spec is not None and spec.origin is not None


def how_to_watch(names: Sequence[str], save_dir: Path) -> str:
    """The command lines that show the curves, for the end of a run's log; empty without trackers."""
    commands = {
        "tensorboard": f"tensorboard --logdir {save_dir}",
        "vdl": f"visualdl --logdir {save_dir}",
        "wandb": f"wandb sync {save_dir}/wandb/offline-run-* (after an offline run)",
        "mlflow": "mlflow ui",
    }
    return "; ".join(commands[name] for name in names)


class GuardedTracker(GeneralTracker):
    """A tracker that can fail without harm to the run that it watches.

    What is wrong at the start is an error, for then nothing is lost. Later, a full disk, a service that is gone or a
    bug in its library ends this tracker with a warning; training and the run's own log go on.
    """

    requires_logging_directory = False

    def __init__(self, watcher: GeneralTracker, config: dict[str, Any]) -> None:
        self.name = watcher.name
        super().__init__()
        self._watcher: GeneralTracker | None = watcher
        self._config = config

    @property
    def tracker(self) -> Any:
        """The library's own object, None once it has failed."""
        return self._watcher and self._watcher.tracker

    def start(self) -> None:
        """Open the tracker and give it the configuration.

        Raises:
            ConfigError: it cannot be opened.
        """
        assert self._watcher is not None
        try:
            self._watcher.start()
            self._watcher.store_init_configuration(self._config)
        except Exception as error:
            hints = {
                "wandb": "log in with wandb login, or set WANDB_MODE=offline",
                "mlflow": "set MLFLOW_TRACKING_URI to a server's address or to file:FOLDER",
            }
            advice = hints.get(self.name, "see that the folder can be written to")
            raise ConfigError(
                f"tracker {self.name} does not start: {str(error) or type(error).__name__}; {advice}, or choose "
                "another --tracker"
            ) from error

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Add one point to each curve."""
        self._try(lambda watcher: watcher.log(values, step))

    def log_images(self, values: Mapping[str, np.ndarray], step: int | None = None, **_: Any) -> None:
        """Add one picture to each series."""
        self._try(lambda watcher: watcher.log_images(values, step))

    def finish(self) -> None:
        """Close the tracker."""
        self._try(lambda watcher: watcher.finish())

    def _try(self, action: Callable[[GeneralTracker], None]) -> None:
        if self._watcher is None:
            return
        try:
            action(self._watcher)
        except Exception as error:
            self._watcher = None
            log.warning(
                "tracker %s has failed and gets nothing more: %s. Training goes on, and so do log.jsonl and log.csv",
                self.name,
                str(error) or type(error).__name__,
            )


class TensorBoard(TensorBoardTracker):
    """TensorBoard's event files. A resumed run hides the points that an earlier one has left behind its checkpoint."""

    def __init__(self, save_dir: Path, start_iteration: int) -> None:
        super().__init__(run_name="", logging_dir=save_dir, purge_step=start_iteration + 1)

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """It is not kept here: ``config.yml`` lies in the same folder."""

    def log_images(self, values: Mapping[str, np.ndarray], step: int | None = None, **_: Any) -> None:
        """Add one picture to each slider."""
        for tag, image in values.items():
            self.writer.add_image(tag, image, step, dataformats="HWC")


class VisualDL(GeneralTracker):
    """VisualDL's own format, written by its own writer. The configuration lies beside it as ``config.yml``."""

    name = "visualdl"
    requires_logging_directory = True

    def __init__(self, save_dir: Path) -> None:
        super().__init__()
        self.save_dir = save_dir

    def start(self) -> None:
        """Open the file."""
        from visualdl import LogWriter

        self.writer = LogWriter(logdir=str(self.save_dir), flush_secs=10)

    @property
    def tracker(self) -> Any:
        """VisualDL's writer."""
        return self.writer

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Add one point to each curve."""
        for tag, value in values.items():
            self.writer.add_scalar(tag=tag, value=float(value), step=step)

    def log_images(self, values: Mapping[str, np.ndarray], step: int | None = None, **_: Any) -> None:
        """Add one picture to each slider."""
        for tag, image in values.items():
            self.writer.add_image(tag=tag, img=image, step=step)

    def finish(self) -> None:
        """Close the file."""
        self.writer.close()
