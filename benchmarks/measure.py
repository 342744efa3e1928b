"""What the benchmarks have in common: turns, medians, the machine, and tables in a document."""

import argparse
import os
import platform
import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.worker import ROOT, Worker
from segwright import atomic

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PAUSE = 0.5  # seconds between turns, in which the OpenMP threads of the last one stop spinning (200 ms by default)


def take_turns(workers: Mapping[str, Worker], *, rounds: int, repeats: int, warmup: int) -> dict[str, list[float]]:
    """Let workers run one after the other, several times around, so that a slow minute of the machine meets them all.

    Args:
        workers: by name.
        rounds: turns of each.
        repeats: runs a turn.
        warmup: runs before the first turn, not counted.

    Returns:
        Seconds of every counted run, by name.
    """
    seconds: dict[str, list[float]] = {name: [] for name in workers}
    for worker in workers.values():
        worker.run(warmup)
    for _ in range(rounds):
        for name, worker in workers.items():
            time.sleep(PAUSE)
            seconds[name] += worker.run(repeats)
    return seconds


def comparison(
    title: str,
    seconds: Mapping[str, Sequence[float]],
    *,
    against: str,
    column: tuple[str, Mapping[str, str]] | None = None,
) -> str:
    """Medians of some sides' times, and how many times faster each is than one of them, as a table.

    Args:
        title: head of the first column.
        seconds: of every run, by side.
        against: the side that the others are compared with.
        column: a further one: its head, and a cell for each side.
    """
    slow = statistics.median(seconds[against])
    rows = []
    for name, times in seconds.items():
        first, median, third = quartiles(times)
        spread = f"{1000 * first:.0f} to {1000 * third:.0f} ms"
        further = [column[1][name]] if column else []
        rows.append([name, f"{1000 * median:.0f} ms", spread, f"{slow / median:.1f} x", *further])
    return table([title, "median", "middle half", f"faster than {against}", *([column[0]] if column else [])], rows)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median, third quartile, interpolated between neighbours."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, median, third


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def model_files(folder: Path) -> tuple[str, str]:
    """Names and size of the files of a model in a folder, as cells of a table."""
    files = sorted(folder.glob("model.*"))
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    return " and ".join(f"`{file.name}`" for file in files), f"{megabytes:.1f} MB"


class Watch:
    """The machine while the block runs: what it is, and how much of it other programs used.

    The block must have waited for its child processes when it ends; ``describe`` is called after that.
    """

    def __enter__(self) -> "Watch":
        self.start = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.busy, self.own = (end - start for end, start in zip(self._now(), self.start, strict=True))

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Seconds: of the clock, of all processors at work, of those at work for us."""
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return time.perf_counter(), processor_seconds(), sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def describe(self, versions: Sequence[str]) -> str:
        """A sentence on machine, libraries and other load, to stand below the table."""
        others = max(0.0, self.busy - self.own) / (self.wall * cores())
        return (
            f"{processor()}, {cores()} cores; Python {platform.python_version()}, {', '.join(versions)}. "
            f"Other programs used {others:.1%} of the machine meanwhile."
        )


def processor_seconds() -> float:
    """Seconds that all processors together have worked since the machine started, whoever for (Linux)."""
    user_to_steal = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, user_to_steal)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def processor() -> str:
    """Name of the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def add_common(parser: argparse.ArgumentParser, *, peer: bool = True) -> None:
    """Flags of every benchmark."""
    if peer:
        parser.add_argument("--peer", required=True, metavar="PYTHON", help="interpreter of PaddleSeg's environment")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads that each side computes with")
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE", help="gets the table")


def add_turns(parser: argparse.ArgumentParser) -> None:
    """Flags of the benchmarks that let workers take turns."""
    parser.add_argument("--rounds", type=int, default=6, metavar="N", help="turns of each side")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="runs a turn")


def publish(document: Path, name: str, text: str) -> None:
    """Print ``text``, and put it between the markers ``<!-- begin NAME -->`` and ``<!-- end NAME -->`` of a document.

    Raises:
        ValueError: the document does not have these markers, once each and in this order.
    """
    print(text)
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    old = document.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1 or old.index(begin) > old.index(end):
        raise ValueError(f"{document} wants a line '{begin}' and, below it, a line '{end}', once each")
    before, after = old.split(begin)[0], old.split(end)[1]
    atomic.write_text(document, f"{before}{begin}\n\n{text}\n\n{end}{after}")
