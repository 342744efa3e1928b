"""The list of checks, which fills itself by decoration."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from segwright.doctor.case import Case
    from segwright.doctor.finding import Finding

CheckFunction = Callable[["Case"], "Iterable[Finding]"]


class Check(NamedTuple):
    """A check, and whether it is also made on a few pairs at the start of training."""

    function: CheckFunction
    brief: bool


CHECKS: list[Check] = []


def check(*, brief: bool) -> Callable[[CheckFunction], CheckFunction]:
    """Decorator of a function that yields findings of a case.

    Args:
        brief: it is right on a few pairs too, and does not repeat what training says itself.
    """

    def add(function: CheckFunction) -> CheckFunction:
        CHECKS.append(Check(function, brief))
        return function

    return add
