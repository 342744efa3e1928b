"""When and how a run is killed, and what it was doing then."""

import random
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from campaigns.evidence import records
from campaigns.life import Life
from campaigns.small_training import SmallTraining
from segwright.engine.checkpoint import MODEL, checkpoints

START, STEP, EVALUATION = "start-up", "training steps", "evaluation"
BEST, CHECKPOINT, END = "writing a best model", "writing a checkpoint", "after the last step"
PHASES = (START, STEP, EVALUATION, BEST, CHECKPOINT, END)

AIMS = {None: 10, STEP: 3, EVALUATION: 3, BEST: 3, CHECKPOINT: 6}
"""Weights of what is aimed at; None is any moment."""


@dataclass(frozen=True)
class Rhythm:
    """How long things take on this machine, in seconds, measured on the run that nobody kills.

    Attributes:
        startup: until the first iteration is done.
        steps: the iterations from one checkpoint to the next.
        evaluation: one, with what is saved after it.
        writing: of one checkpoint.
    """

    startup: float
    steps: float
    evaluation: float
    writing: float

    @classmethod
    def of(cls, save_dir: Path, startup: float, total: float) -> "Rhythm":
        """From a finished run's folder and its seconds."""
        log = records(save_dir / "log.jsonl")
        steps = [record["batch_cost"] for record in log if record["event"] == "train"]
        evaluations = sum(record["event"] == "eval" for record in log)
        folders = checkpoints(save_dir)
        # A folder's own time is that of its rename, the last act of writing it.
        writing = median(folder.stat().st_ctime - (folder / MODEL).stat().st_mtime for folder in folders)
        return cls(startup, sum(steps) / evaluations, (total - startup - sum(steps)) / evaluations, writing)


@dataclass(frozen=True)
class Blow:
    """How one life is to end.

    Attributes:
        aim: the phase to hit, None for any moment.
        number: the signal.
        alone: it goes to the trainer alone, as when memory runs out, not to its readers as well.
        fraction: how far into the aim, or into the span of any moment, 0 to 1.
        evaluations: that have begun before the aim is looked for, so that lives make progress.
    """

    aim: str | None
    number: signal.Signals
    alone: bool
    fraction: float
    evaluations: int

    def wait(self, life: Life, training: SmallTraining, rhythm: Rhythm) -> bool:
        """Sleep until the moment has come; whether the life still goes on then."""
        span = 2.5 * rhythm.startup
        if self.aim is None:
            return life.wait(lambda: False, at_most=self.fraction * span, pause=0.001)
        life.wait(lambda: life.said().count("Start evaluating") > self.evaluations, at_most=2 * span, pause=0.02)
        life.wait(lambda: phase(life, training) == self.aim, at_most=2 * span, pause=0.001)
        lasts = {STEP: rhythm.steps, EVALUATION: rhythm.evaluation}.get(self.aim, rhythm.writing)
        return life.wait(lambda: False, at_most=life.seconds + self.fraction * lasts, pause=0.0005)


def blows(seed: int) -> Iterator[Blow]:
    """Blows without end; a fifth are SIGTERM, which asks, at any moment, the others SIGKILL."""
    rng = random.Random(seed)
    while True:
        asks = rng.random() < 0.2
        (aim,) = rng.choices(list(AIMS), list(AIMS.values()))
        number = signal.SIGTERM if asks else signal.SIGKILL
        yield Blow(None if asks else aim, number, rng.random() < 0.3, rng.random(), rng.randrange(6))


def phase(life: Life, training: SmallTraining) -> str:
    """What a life is doing, or was when it ended, as its words and the files that it has half written tell."""
    for name in life.half_written():
        if target := _target(name):
            return target
    lines = re.findall(r".*(?:\[TRAIN\]|Start evaluating|\[EVAL\]|Trained to).*", life.said())
    reached = iteration_reached(life)
    if lines and "Trained to" in lines[-1]:
        return END
    if not reached:
        return START
    if "as ema_best_model" in lines[-1]:  # evaluated, and now saved or about to be
        return STEP if (life.save_dir / f"iter_{reached}").is_dir() else CHECKPOINT
    return STEP if "[TRAIN]" in lines[-1] and reached % training.save_interval else EVALUATION


def iteration_reached(life: Life) -> int:
    """The last iteration that was done in this life, 0 if none was."""
    return max(map(int, re.findall(r"iter: (\d+)/", life.said())), default=0)


def _target(temporary: str) -> str | None:
    """The phase in which a thing of this temporary name is written."""
    if temporary.startswith(".iter_"):
        return CHECKPOINT
    return BEST if temporary.startswith((".best_model.", ".ema_best_model.")) else None
