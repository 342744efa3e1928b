"""Where the time of training steps goes, operator by operator: ``--profiler_options``, spelled as PaddleSeg does."""

import logging
import re
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import torch
from torch.profiler import ProfilerAction, ProfilerActivity, profile

from segwright import atomic
from segwright.errors import ConfigError, suggest

log = logging.getLogger("segwright")

ROWS = 20  # operators in the table
TRUE, FALSE = ("true", "t", "yes", "1"), ("false", "f", "no", "0")
SORT_KEYS = {"total": "self_WHERE_time_total", "ave": "WHERE_time", "calls": "count"}
"""Columns of torch's table, WHERE being ``cpu`` or ``device``."""
CHOICES = {
    "state": ("CPU", "GPU", "All"),
    "sorted_key": tuple(SORT_KEYS),
    "tracer_option": ("Default", "OpDetail", "AllOpDetail"),
    "exit_on_finished": (*TRUE, *FALSE),
}


@dataclass(frozen=True)
class ProfilerOptions:
    """What to profile, and where it goes.

    Attributes:
        batch_range: first step and the one after the last, counted from 0 where this run starts or resumes.
        state: ``CPU``; ``GPU``, its kernels and the operators that launch them; ``All``, whatever the run uses.
        sorted_key: order of the table: ``total`` time of an operator itself, ``ave``, time of a call with all that it
            calls in turn, or number of ``calls``.
        tracer_option: ``Default``; ``OpDetail`` tells apart calls with inputs of different shapes; ``AllOpDetail`` also
            notes memory, and the lines of Python in the trace.
        profile_path: the trace, as JSON (.json, or .json.gz to compress it); by default ``profile.json`` in the run's
            folder.
        exit_on_finished: end training behind the last of these steps.
    """

    batch_range: tuple[int, int] = (10, 20)
    state: str = "All"
    sorted_key: str = "total"
    tracer_option: str = "Default"
    profile_path: Path | None = None
    exit_on_finished: bool = True

    @classmethod
    def parse(cls, text: str) -> "ProfilerOptions":
        """From ``batch_range=[10,20];state=GPU;tracer_option=Default;profile_path=run.json``, any of them left out.

        Raises:
            ConfigError: a name or a value is not known.
        """
        values: dict[str, Any] = {}
        known = [field.name for field in fields(cls)]
        for pair in filter(None, map(str.strip, text.split(";"))):
            name, equals, value = (part.strip() for part in pair.partition("="))
            if name not in known:
                raise ConfigError(f"--profiler_options: unknown '{name}'; {suggest(name, known, list_all=True)}")
            if not equals or not value:
                raise ConfigError(f"--profiler_options: {name} has no value; write {name}=VALUE")
            values[name] = _value(name, value)
        return cls(**values)


def _value(name: str, word: str) -> Any:
    if name == "profile_path":
        return Path(word)
    if name == "batch_range":
        return _range(word)
    if name == "exit_on_finished":
        word = word.lower()
    if word not in CHOICES[name]:
        missing = f"; torch's profiler knows no {word}" if name == "sorted_key" and word in ("max", "min") else ""
        raise ConfigError(f"--profiler_options: {name} is one of {', '.join(CHOICES[name])}, got {word}{missing}")
    return word in TRUE if name == "exit_on_finished" else word


def _range(word: str) -> tuple[int, int]:
    numbers = re.fullmatch(r"\[?\s*(\d+)\s*,\s*(\d+)\s*\]?", word)
    if numbers is None or int(numbers[1]) >= int(numbers[2]):
        raise ConfigError(f"--profiler_options: batch_range is [first,last] with first below last, got {word}")
    return int(numbers[1]), int(numbers[2])


class Profiler:
    """Profiles some steps of a run, writes a trace that browsers show, and logs a table of the costliest operators.

    The trace opens in https://ui.perfetto.dev or chrome://tracing. Use it as a context around the loop.

    Args:
        options: what ``ProfilerOptions.parse`` takes; None profiles nothing.
        save_dir: the run's folder.
        device: that the run computes on.
        steps: that the run is going to make.
        records: whether this process is the one that profiles; others count along, so that all end together.

    Raises:
        ConfigError: options are not known, the steps to profile lie behind the run's end, or the state is ``GPU`` and
            the device is none of CUDA.
        OutputError: the folder for the trace cannot be written to.
    """

    def __init__(
        self, options: str | None, save_dir: Path, device: torch.device, *, steps: int, records: bool = True
    ) -> None:
        self._profile: profile | None = None
        self._done, self._written = 0, False
        self.options = None if options is None else ProfilerOptions.parse(options)
        if self.options is None:
            return
        self._first, self._last = self.options.batch_range
        if self._last > steps:
            raise ConfigError(
                f"--profiler_options: batch_range ends at {self._last}, but this run makes {steps} steps; choose "
                "earlier ones"
            )
        cuda = device.type == "cuda"
        if self.options.state == "GPU" and not cuda:
            raise ConfigError(f"--profiler_options: state=GPU, but the run computes on {device}; choose CPU or All")
        self._on_gpu = cuda and self.options.state != "CPU"
        self._path = _trace_path(self.options.profile_path or save_dir / "profile.json")
        if records:
            atomic.ensure_folder(self._path.parent)
            self._profile = self._prepare(self.options.tracer_option)

    def _prepare(self, tracer: str) -> profile:
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if self._on_gpu else [])]
        return profile(
            activities=activities,
            schedule=self._action,
            on_trace_ready=self._write,
            record_shapes=tracer != "Default",
            profile_memory=tracer == "AllOpDetail",
            with_stack=tracer == "AllOpDetail",
        )

    def _action(self, step: int) -> ProfilerAction:
        """What torch's profiler does in a step. The one before the first warms it up: it is slow to begin with."""
        if step == self._last - 1:
            return ProfilerAction.RECORD_AND_SAVE
        if self._first <= step < self._last:
            return ProfilerAction.RECORD
        return ProfilerAction.WARMUP if step == self._first - 1 else ProfilerAction.NONE

    def __enter__(self) -> "Profiler":
        if self._profile is not None:
            self._profile.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._profile is not None:
            self._profile.stop()
            if not self._written:
                log.warning("training has ended before step %d: there is no profile", self._first)

    def step(self) -> bool:
        """Note that a step of training is done; returns whether the run should end here."""
        if self.options is None:
            return False
        self._done += 1
        if self._profile is not None:
            self._profile.step()
        return self.options.exit_on_finished and self._done == self._last

    def _write(self, profiled: profile) -> None:
        assert self.options is not None
        self._written = True
        try:
            with TemporaryDirectory() as folder:
                part = Path(folder, self._path.name)
                profiled.export_chrome_trace(str(part))
                atomic.write_bytes(self._path, part.read_bytes())
        except OSError as error:
            log.warning("the profile cannot be written to %s (%s); training goes on", self._path, error.strerror)
            return
        key = SORT_KEYS[self.options.sorted_key].replace("WHERE", "device" if self._on_gpu else "cpu")
        averages = profiled.key_averages(group_by_input_shape=self.options.tracer_option != "Default")
        log.info("Operators by %s:\n%s", key, averages.table(sort_by=key, row_limit=ROWS, max_name_column_width=48))
        log.info(
            "The profile of steps %d to %d is in %s: open it in https://ui.perfetto.dev",
            self._first,
            self._last - 1,
            self._path,
        )


def _trace_path(path: Path) -> Path:
    """The path with .json added, if its name does not end so: browsers go by it."""
    return path if path.name.endswith((".json", ".json.gz")) else path.with_name(path.name + ".json")
