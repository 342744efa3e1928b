"""Programs with the flags of ``segwright infer``: itself, and the one of ``deploy/cpp``."""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchmarks.targets.target import FailedError, Run
from benchmarks.worker import with_threads
from segwright.images import read_label

LOOK = 0.002  # seconds between two looks whether the first label map is there


@dataclass(frozen=True)
class Command:
    """A program that predicts pictures with an export.

    Attributes:
        words: the program, and what else its command line begins with.
        bundle: the export.
        threads: threads that compute.
    """

    words: Sequence[str | Path]
    bundle: Path
    threads: int

    def run(self, pictures: Sequence[Path]) -> Run:
        """See ``Target``. One process gives the first label map, another all of them and the times."""
        with tempfile.TemporaryDirectory() as scratch:
            start = self._first(pictures[0], Path(scratch) / "first")
            folder = Path(scratch) / "all"
            with tempfile.TemporaryFile("w+") as said:
                self._check(self._started(pictures[0].parent, folder, said, "--benchmark"), said)
            measured = json.loads((folder / "benchmark.json").read_text(encoding="utf-8"))
            labels = [read_label(folder / f"{picture.stem}.png") for picture in pictures]
        return Run(measured["environment"]["engine"], labels, start, measured["steps"]["total"]["p50"])

    def _first(self, picture: Path, folder: Path) -> float:
        """Seconds from the start of the process to the label map of one picture."""
        mask = folder / f"{picture.stem}.png"
        with tempfile.TemporaryFile("w+") as said:
            begin = time.perf_counter()
            process = self._started(picture, folder, said)
            while process.poll() is None and not mask.exists():
                time.sleep(LOOK)
            seconds = time.perf_counter() - begin
            self._check(process, said)
        return seconds

    def _started(self, source: Path, folder: Path, said: IO[str], *flags: str) -> "subprocess.Popen[bytes]":
        way = ["--image_path", source, "--save_dir", folder, "--cpu_threads", str(self.threads)]
        command = [*self.words, "--config", self.bundle, *way, *flags]
        return subprocess.Popen(command, env=with_threads(self.threads), stdout=said, stderr=subprocess.STDOUT)

    def _check(self, process: "subprocess.Popen[bytes]", said: IO[str]) -> None:
        """Wait for the end of a process.

        Raises:
            FailedError: it was not a good one.
        """
        if code := process.wait():
            said.seek(0)
            last = " ".join(said.read().split())[-600:]
            raise FailedError(f"{Path(self.words[0]).name} ended with exit code {code}: {last}")
