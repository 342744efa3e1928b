"""How numbers and lists of files are said."""

from collections.abc import Iterable, Sequence

from segwright.doctor.observation import Observation

SHOWN = 4  # pairs that a page draws for a finding


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 picture``, ``2 pictures``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def shown(pairs: Sequence[Observation]) -> tuple[Observation, ...]:
    """The first few."""
    return tuple(pairs[:SHOWN])


def images(pairs: Iterable[Observation]) -> tuple[str, ...]:
    """Names of the pictures."""
    return tuple(str(seen.pair.image) for seen in pairs)


def labels(pairs: Iterable[Observation]) -> tuple[str, ...]:
    """Names of the label maps."""
    return tuple(str(seen.pair.label) for seen in pairs)


def listed(words: Sequence[str], most: int = 10) -> str:
    """``a, b, c and 4 more``."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
