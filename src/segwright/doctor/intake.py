"""What the ways to objects say when they are gone: errors and warnings of other parts, in their own words."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from segwright.console import LOG
from segwright.doctor.finding import Finding, Level
from segwright.errors import SegwrightError


class Intake:
    """Turns errors and warnings into findings.

    Attributes:
        findings: what was heard so far, without repetitions.
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    @contextmanager
    def listening(self, kind: str, subject: str) -> Iterator[None]:
        """Take warnings that are logged in the block, and the error that ends it; both are about this subject."""
        log = logging.getLogger(LOG)
        heard = _Heard()
        handlers, propagate = list(log.handlers), log.propagate
        log.handlers[:], log.propagate = [heard], False
        try:
            yield
        except SegwrightError as error:
            self._add(kind, Level.ERROR, f"Something is wrong with {subject}", str(error))
        finally:
            log.handlers[:], log.propagate = handlers, propagate
            for message in heard.messages:
                self._add(kind, Level.WARNING, f"Something may be wrong with {subject}", message)

    def _add(self, kind: str, level: Level, title: str, message: str) -> None:
        if all(message != finding.measured for finding in self.findings):
            self.findings.append(Finding(kind=kind, level=level, title=title, measured=message))


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
