"""A progress bar, where somebody is looking."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], title: str, *, total: int | None = None, shown: bool = True) -> Iterator[T]:
    """The items, with a bar on a terminal that vanishes at the end; log lines stand above it."""
    if not shown or not sys.stdout.isatty():
        yield from items
        return
    from rich import get_console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=get_console(), transient=True) as progress:
        yield from progress.track(items, total=total, description=title)
