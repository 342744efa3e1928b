"""What the commands print: log lines that live in peace with a progress bar."""

import logging
import sys


class ConsoleHandler(logging.Handler):
    """Log lines as PaddleSeg writes them, ``2026-01-31 12:00:00 [INFO]\\t...``, on standard output.

    While a progress bar is shown they go through it, so that they stand above the bar instead of across it.
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
