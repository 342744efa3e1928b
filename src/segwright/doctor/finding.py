"""One thing that was found, as plain values."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from segwright.doctor.observation import Observation


class Level(IntEnum):
    """How much a finding matters."""

    INFO = 0
    """Worth knowing; nothing has to be done."""
    WARNING = 1
    """Training goes on, and is probably worse for it."""
    ERROR = 2
    """Training stops, or its result is worthless."""

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is the matter, how that is known, and what helps.

    Attributes:
        kind: short name that stays the same, for programs: ``label-ids``.
        level: how much it matters.
        title: a sentence of a few words, with the count.
        measured: the numbers, or the message that training would end with.
        suggestion: what to do.
        files: names of all files concerned.
        snippet: lines to paste into the configuration or the terminal.
        shown: some of the pairs, to be drawn on a page.
    """

    kind: str
    level: Level
    title: str
    measured: str
    suggestion: str = ""
    files: tuple[str, ...] = ()
    snippet: str = ""
    shown: tuple[Observation, ...] = ()

    def plain(self) -> dict[str, Any]:
        """What JSON can hold of it."""
        return {
            "kind": self.kind,
            "level": str(self.level),
            "title": self.title,
            "measured": self.measured,
            "suggestion": self.suggestion,
            "snippet": self.snippet,
            "files": list(self.files),
        }
