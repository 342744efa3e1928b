"""A configuration in the making: values, and why each was chosen."""

from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Choice:
    """A value as the table shows it.

    Attributes:
        title: what was chosen.
        value: in words.
        why: the reason.
    """

    title: str
    value: str
    why: str


@dataclass
class Plan:
    """What will be written.

    Attributes:
        data: the configuration.
        why: reasons by key path, which become comments.
        choices: rows of the table.
        cautions: what the user should know.
    """

    data: dict[str, Any] = field(default_factory=dict)
    why: dict[Path, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)

    def choose(self, path: Path, value: Any, why: str, *, title: str = "", shown: object = None) -> None:
        """Set a value with its reason; with a ``title`` it is a row of the table, too."""
        block: Any = self.data
        for key in path[:-1]:
            block = block.setdefault(key, {}) if isinstance(block, dict) else block[int(key)]
        block[path[-1]] = value
        self.explain(path, why, title=title, shown=value if shown is None else shown)

    def explain(self, path: Path, why: str, *, title: str = "", shown: object = "") -> None:
        """Give the reason for a value that is there; a row of the table alone has an empty path."""
        if path and why:
            self.why[path] = why
        if title:
            self.choices.append(Choice(title, str(shown), why))
