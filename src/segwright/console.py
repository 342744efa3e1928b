"""What people see on a terminal: log lines, and a progress bar below them."""

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

LOG = "segwright"
"""Name of the logger that everything here logs to."""


class ConsoleHandler(logging.Handler):
    """Log lines as PaddleSeg writes them, ``2026-01-31 12:00:00 [INFO]\\t...``, on standard output.

    On a terminal they go through rich, so that they stand above a progress bar instead of across it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s]\t%(message)s", "%Y-%m-%d %H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            text = self.format(record)
            if sys.stdout.isatty():
                from rich import get_console

                get_console().print(text, markup=False, highlight=False, soft_wrap=True)
            else:
                print(text, flush=True)
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)


def show_log(*, always: bool = False) -> None:
    """Show the log on standard output; unless ``always``, only where the program has not decided where it goes."""
    log = logging.getLogger(LOG)
    if always or not log.hasHandlers():
        log.handlers[:] = [ConsoleHandler()]
        log.setLevel(logging.INFO)
        log.propagate = False


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
