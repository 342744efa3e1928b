"""Which checkpoint to go on from, when nobody names one."""

from pathlib import Path
from typing import NamedTuple

from segwright.engine.checkpoint import checkpoints, verify
from segwright.errors import CheckpointError


class Choice(NamedTuple):
    """What was found in a run's folder.

    Attributes:
        folder: the newest checkpoint that is whole; None if there are no checkpoints at all.
        skipped: newer ones that are not, newest first, each with the reason.
    """

    folder: Path | None
    skipped: list[tuple[Path, str]]


def newest_whole(save_dir: Path) -> Choice:
    """Find the newest checkpoint in ``save_dir`` whose files have the digests that were noted when it was written.

    Raises:
        CheckpointError: there are checkpoints, but all of them are damaged: to start anew is not for us to decide.
    """
    skipped: list[tuple[Path, str]] = []
    for folder in reversed(checkpoints(save_dir)):
        try:
            verify(folder)
        except (CheckpointError, OSError) as error:
            skipped.append((folder, str(error)))
        else:
            return Choice(folder, skipped)
    if skipped:
        raise CheckpointError(
            f"none of the {len(skipped)} checkpoints in {save_dir} is whole, the newest because {skipped[0][1]}; "
            "restore one from a copy, or move them away to start anew"
        )
    return Choice(None, [])
