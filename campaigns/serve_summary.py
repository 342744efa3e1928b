"""What a campaign of abuse has shown."""

import time
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.measure import table
from benchmarks.server import Server

MIB = 1 << 20
MAX_GROWTH = 100 * MIB  # of memory from the first look to the last
MAX_RECOVERY = 1.0  # seconds of the first answer afterwards


@dataclass
class Outcome:
    """A campaign.

    Attributes:
        seconds: how long it took.
        wrong: all that must not be.
        counts: what became of good requests, and how often each kind of abuse was done.
        times: seconds of good requests that were served.
        memory: bytes that the server held, at each look.
        files: files that it had open.
        recovery: seconds of an answer after everything.
        tracebacks: in the log, each with what follows it there.
        failures: answers that say that the server failed.
    """

    seconds: float
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    recovery: float = 0.0
    tracebacks: list[str] = field(default_factory=list)
    failures: int = 0

    def good(self, became: str, problem: str) -> None:
        """Count a request of a client that behaves."""
        self.counts[became] += 1
        self._note(problem)

    def bad(self, name: str, problem: str) -> None:
        """Count an act of abuse."""
        self.counts[name] += 1
        self._note(f"{name}: {problem}" if problem else "")

    def forget(self) -> None:
        """Count from here; what was wrong stays."""
        self.counts.clear()
        self.times.clear()

    def look(self, server: Server) -> None:
        """Note what the server holds."""
        self.memory.append(server.memory())
        self.files.append(server.files())

    def _note(self, problem: str) -> None:
        if problem and len(self.wrong) < 50:
            print(f"{time.strftime('%X')} {problem}", flush=True)
            self.wrong.append(problem)

    def close(self) -> None:
        """Look at what is left in the end."""
        first = "".join(self.tracebacks[:1])[:2000]
        checks = {
            f"the server failed {self.failures} times": self.failures,
            f"{len(self.tracebacks)} tracebacks are in the log, first {first}": self.tracebacks,
            f"memory grew by {(self.memory[-1] - self.memory[0]) / MIB:.0f} MiB": self.memory[-1] - self.memory[0]
            > MAX_GROWTH,
            f"{self.files[-1] - self.files[0]} files are open that were not": self.files[-1] > self.files[0] + 2,
            f"afterwards an answer took {self.recovery:.1f} s": self.recovery > MAX_RECOVERY,
        }
        for problem, happened in checks.items():
            self._note(problem if happened else "")

    def describe(self) -> str:
        """In Markdown."""
        times = sorted(self.times)
        half, most = times[len(times) // 2], times[int(0.99 * len(times))]
        before, peak, after = (memory / MIB for memory in (self.memory[0], max(self.memory), self.memory[-1]))
        rows = [[name, str(count)] for name, count in sorted(self.counts.items(), key=lambda item: -item[1])]
        found = "".join(f"\n- {problem}" for problem in self.wrong) or " nothing."
        return (
            f"{table(['what', 'times'], rows)}\n\n"
            f"{self.seconds / 60:.0f} minutes. Good requests took {1000 * half:.0f} ms in the median and {most:.1f} s "
            f"at the 99th percentile. Memory: {before:.0f} MiB before, {peak:.0f} MiB at most, {after:.0f} MiB after; "
            f"open files: {self.files[0]}, {max(self.files)}, {self.files[-1]}. The first answer afterwards took "
            f"{1000 * self.recovery:.0f} ms. Lost, wrong or left behind:{found}"
        )
