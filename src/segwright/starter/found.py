"""What a folder turned out to hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segwright.datasets import Pair
from segwright.datasets.pair_folders import NameRule

WHOLE = "all"
"""The part of data that nobody has divided."""

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""Words in names of folders and files, and the part of the data that they mean."""


@dataclass(frozen=True)
class Found:
    """Pictures with their label maps.

    Attributes:
        how: how they were found, in words.
        root: folder that names in list files are relative to.
        parts: pairs by part: "train" and "val", or ``WHOLE`` where nobody has divided them.
        lists: list files that are there and can be used as they are, by part.
        separator: in these.
        known: the data set's block where the toolkit has a class for it; its pairs and classes are the class's.
        class_names: where the annotations tell them.
        stored_ids: where label maps hold other numbers than the classes' own: what each of them means.
        cautions: sentences on what was left out, and why.
    """

    how: str
    root: Path
    parts: Mapping[str, Sequence[Pair]]
    lists: Mapping[str, Path] = field(default_factory=dict)
    separator: str = " "
    known: Mapping[str, Any] | None = None
    class_names: tuple[str, ...] = ()
    stored_ids: Mapping[int, int] | None = None
    cautions: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[Pair]:
        """Of all parts."""
        return [pair for pairs in self.parts.values() for pair in pairs]

    @property
    def labels(self) -> list[Path]:
        """All label maps, each once."""
        return list(dict.fromkeys(pair.label for pair in self.pairs if pair.label))


def subfolders(root: Path, depth: int) -> list[Path]:
    """A folder and those below it down to ``depth``, hidden ones left out, the nearest first."""
    found = [root]
    level = [root]
    for _ in range(depth):
        level = sorted(
            path for folder in level for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
        found += level
    return found


def pictures_in(folder: Path) -> list[Path]:
    """All pictures in a folder and its sub-folders, sorted by their places."""
    return sorted(path for paths in NameRule().files(folder).values() for path in paths)
