"""One life of a training command: the process and all that it starts, from its start to its end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from campaigns.small_training import SmallTraining

PATIENCE = 30.0  # seconds that readers may take to notice that their trainer is gone
SHARED_MEMORY = Path("/dev/shm")
TEMPORARY = ".*.????????.tmp"  # names that segwright.atomic gives


class Life:
    """A running training command, the leader of a session of its own, to which all its processes belong.

    Args:
        training: what is run.
        save_dir: the run's folder.
        output: gets what it says.
    """

    def __init__(self, training: SmallTraining, save_dir: Path, output: Path) -> None:
        self.save_dir, self._output = save_dir, output
        self._leftovers = leftovers(save_dir)
        self.start = time.monotonic()
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                training.command(save_dir),
                stdout=file,
                stderr=subprocess.STDOUT,
                env=training.environment(),
                start_new_session=True,
            )

    def __enter__(self) -> "Life":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing goes on alone when the campaign itself is interrupted."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self.start

    def said(self) -> str:
        """All that it has said so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def half_written(self) -> list[str]:
        """Folders in the run's own that it has begun to write and not finished, by their temporary names."""
        return sorted({path.name for path in self.save_dir.glob(TEMPORARY)} - self._leftovers)

    def not_removed(self) -> list[str]:
        """The same of earlier lives, as far as it is still there."""
        return sorted(leftovers(self.save_dir) & self._leftovers)

    def wait(self, until: Callable[[], bool], *, at_most: float, pause: float) -> bool:
        """Sleep until a condition holds, or its age is ``at_most`` seconds; whether it still runs then."""
        while self.process.poll() is None:
            if until() or self.seconds >= at_most:
                return True
            time.sleep(pause)
        return False

    def send(self, number: signal.Signals, *, alone: bool) -> tuple[int, list[str]]:
        """Send a signal to the trainer alone, or to all processes at once, and wait for the trainer's end.

        Returns:
            Its exit code, negative if the signal was its end, and the processes that it left behind, in words.
        """
        semaphores = self._semaphores()
        (os.kill if alone else os.killpg)(self.process.pid, number)
        code = self.process.wait(timeout=10 * PATIENCE)
        orphans = self._orphans()
        for path in semaphores:  # nobody is left to do it
            path.unlink(missing_ok=True)
        return code, orphans

    def _orphans(self) -> list[str]:
        """Processes that are still there long after the trainer's end; they are ended then."""
        end = time.monotonic() + PATIENCE
        while (members := self._members()) and time.monotonic() < end:
            time.sleep(0.05)
        for member in members:
            member.kill()
        return [member.name() for member in members]

    def _members(self) -> list[psutil.Process]:
        """Living processes of the session."""
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (ProcessLookupError, psutil.NoSuchProcess):
                continue
        return found

    def _semaphores(self) -> list[Path]:
        """Files of the semaphores by which trainer and readers talk; without a survivor they would stay."""
        maps = Path(f"/proc/{self.process.pid}/maps").read_text(encoding="utf-8")
        inodes = {int(line.split()[4]) for line in maps.splitlines() if f"{SHARED_MEMORY}/sem." in line}
        # By their number, for they are made under another name than they keep.
        return [Path(entry) for entry in os.scandir(SHARED_MEMORY) if entry.inode() in inodes]


def leftovers(save_dir: Path) -> set[str]:
    """Files and folders under temporary names, relative to the run's folder, without what is in these folders."""
    found = {path.relative_to(save_dir) for path in save_dir.rglob(TEMPORARY)}
    return {str(path) for path in found if found.isdisjoint(path.parents)}
