"""What a campaign of kills has shown, as a table and a few sentences."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.measure import table
from campaigns.blows import PHASES, Blow

KINDS = [
    (signal.SIGKILL, False, "SIGKILL to all processes"),
    (signal.SIGKILL, True, "to the trainer alone"),
    (signal.SIGTERM, False, "SIGTERM to all processes"),
    (signal.SIGTERM, True, "to the trainer alone"),
]


@dataclass(frozen=True)
class Kill:
    """One life that did not end by itself.

    Attributes:
        blow: what ended it.
        phase: what it was doing.
        again: iterations that the next life has to do again.
        wrong: what must not be, in words.
    """

    blow: Blow
    phase: str
    again: int
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        whom = "trainer" if self.blow.alone else "all"
        trouble = f"; WRONG: {'; '.join(self.wrong)}" if self.wrong else ""
        return f"{self.blow.number.name} to {whom} during {self.phase}, {self.again} iterations again{trouble}"


@dataclass
class Outcome:
    """A campaign.

    Attributes:
        iters: iterations of each run.
        kills: all of them.
        runs: for each finished run, how it differs from the uninterrupted one.
    """

    iters: int
    kills: list[Kill] = field(default_factory=list)
    runs: list[list[str]] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """All that must not be."""
        after = [f"kill {number}: {problem}" for number, kill in enumerate(self.kills, 1) for problem in kill.wrong]
        return after + [f"run {number}: {problem}" for number, run in enumerate(self.runs, 1) for problem in run]

    def describe(self) -> str:
        """In Markdown."""
        rows = [self._row(phase, [kill for kill in self.kills if kill.phase == phase]) for phase in PHASES]
        head = ["killed during", *(name for *_, name in KINDS), "kills", "iterations done again, mean and most"]
        again, done = sum(kill.again for kill in self.kills), len(self.runs) * self.iters
        equal = sum(not run for run in self.runs)
        text = (
            f"{len(self.kills)} kills and as many resumes in {len(self.runs)} runs of {self.iters} iterations; {again} "
            f"iterations ({again / done:.0%}) were done again. {equal} of {len(self.runs)} runs ended equal to the "
            f"uninterrupted one, bit for bit."
        )
        found = "".join(f"\n- {problem}" for problem in self.wrong) or " nothing."
        return f"{table(head, [*rows, self._row('in all', self.kills)])}\n\n{text} Damaged, lost or left behind:{found}"

    @staticmethod
    def _row(title: str, kills: Sequence[Kill]) -> list[str]:
        counts = [
            sum(kill.blow.number == number and kill.blow.alone == alone for kill in kills) for number, alone, _ in KINDS
        ]
        again = [kill.again for kill in kills]
        redone = f"{sum(again) / len(again):.1f}, {max(again)}" if again else ""
        return [title, *map(str, counts), str(len(kills)), redone]
