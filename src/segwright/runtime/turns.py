"""Sides that are timed in turns, so that a slow minute of the machine meets them all."""

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def take_turns(sides: Mapping[str, Callable[[], T]], *, rounds: int, repeats: int) -> dict[str, list[T]]:
    """Run each side several times, then the next, and all of that several times over.

    Args:
        sides: what to run, by name; returns what was measured.
        rounds: turns of each.
        repeats: runs that count in a turn, after one that does not: it finds the processor's caches full of the
            numbers of the side before.

    Returns:
        For each side what its runs that count have returned, in order.
    """
    found: dict[str, list[T]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            run()
            found[name] += [run() for _ in range(repeats)]
    return found
