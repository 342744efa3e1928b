"""What can go wrong through no fault of the program, each with a sentence that helps.

Every error here prints as one paragraph and ends a command with exit code 2;
anything else that escapes is a bug in segwright and exits with 1.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SegwrightError(Exception):
    """Base of all errors a user can mend. The message says what was found, where, and what to do."""


class ConfigError(SegwrightError):
    """A configuration, an argument or a combination of them makes no sense."""


class DataError(SegwrightError):
    """A picture, a label map or a list of them cannot be used as it is."""


class WeightsError(SegwrightError):
    """A file of weights is damaged, unsafe, or belongs to another model."""


class CheckpointError(SegwrightError):
    """A training checkpoint is damaged or belongs to another run."""


class TrainingError(SegwrightError):
    """Training cannot go on: the loss is no longer a number, or the save folder cannot be used."""


class OutputError(SegwrightError):
    """Results cannot be written where they should go."""


class ExportError(SegwrightError):
    """A model could not be exported, or the exported file disagrees with the model."""


class MissingExtraError(SegwrightError):
    """An optional library is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a library that is not installed; run: pip install 'segwright[{extra}]'")


def suggest(name: str, known: Iterable[str], *, list_all: bool = False) -> str:
    """``did you mean 'crop_size'?`` for a near miss, else the list of what there is; both with ``list_all``."""
    names = sorted(known, key=str.lower)
    folded = {candidate.lower(): candidate for candidate in names}
    close = get_close_matches(name.lower(), folded, n=1)
    hints = [f"did you mean '{folded[close[0]]}'?"] if close else []
    if list_all or not close:
        hints.append(f"known: {', '.join(names)}" if names else "nothing is known here")
    return " ".join(hints)
