"""What a run leaves for people and programs to read: log lines, ``log.jsonl`` and scalars for a tracker."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerate.tracking import GeneralTracker, on_main_process

from segwright import atomic
from segwright.errors import MissingExtraError

log = logging.getLogger("segwright")


class VisualDLTracker(GeneralTracker):
    """Scalars in VisualDL's own format, written by its own writer, for ``visualdl --logdir``."""

    name = "visualdl"
    requires_logging_directory = True
    main_process_only = True

    def __init__(self, logging_dir: Path) -> None:
        super().__init__()
        try:
            from visualdl import LogWriter
        except ImportError as error:
            raise MissingExtraError("--use_vdl (VisualDL)", "vdl") from error
        self.writer = LogWriter(logdir=str(logging_dir), flush_secs=10)

    @property
    def tracker(self) -> Any:
        """VisualDL's writer."""
        return self.writer

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """VisualDL keeps scalars only; the configuration lies beside it as ``config.yml``."""

    @on_main_process
    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Add one point to each curve."""
        for tag, value in values.items():
            self.writer.add_scalar(tag=tag, value=float(value), step=step)

    @on_main_process
    def finish(self) -> None:
        """Close the file."""
        self.writer.close()


class RunLog:
    """Records of a run as JSON, one object a line, in ``save_dir/log.jsonl``.

    Args:
        save_dir: the run's folder.
        start: iteration that the run starts or resumes at; records of later ones, left by a run that went further
            than its last checkpoint, are dropped.
    """

    def __init__(self, save_dir: Path, start: int) -> None:
        self.path = save_dir / "log.jsonl"
        kept = [line for line in self._lines() if start and line["iter"] <= start]
        atomic.write_text(self.path, "".join(json.dumps(line) + "\n" for line in kept))

    def _lines(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        lines = []
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:  # the last line of a killed run may be cut
                continue
        return lines

    def add(self, event: str, iteration: int, **values: Any) -> None:
        """Append one record."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, "iter": iteration, **values}) + "\n")


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
