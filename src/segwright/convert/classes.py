"""Names of classes and their ids, in annotations that know names alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from segwright import atomic
from segwright.errors import DataError, suggest
from segwright.images.listing import text_lines

BACKGROUND = "_background_"
IGNORED = "__ignore__"
"""What labelme and we call pixels that do not count; their id is ``IGNORE_INDEX``."""

IGNORE_INDEX = 255
CLASS_FILE = "class_names.txt"


@dataclass(frozen=True)
class Classes:
    """The ids of a label map's classes.

    Attributes:
        names: entry i names class i.
        unlabelled: id of pixels that nobody annotated: that of the background, or 255, which does not count.
    """

    names: tuple[str, ...]
    unlabelled: int

    def __post_init__(self) -> None:
        twice = [name for name, number in Counter(self.names).items() if number > 1]
        if twice:
            raise DataError(f"classes named more than once: {', '.join(sorted(twice))}; give each its own name")

    @classmethod
    def of(cls, names: Iterable[str], *, background: bool = True) -> "Classes":
        """Ids in the order of the names, without ``__ignore__``, which is no class.

        Args:
            names: with a background among them, unlabelled pixels get its id.
            background: without one among the names, whether it becomes class 0, before them; else unlabelled pixels
                do not count.
        """
        wanted = tuple(name for name in names if name != IGNORED)
        found = next((index for index, name in enumerate(wanted) if is_background(name)), None)
        if found is not None:
            return cls(wanted, found)
        return cls((BACKGROUND, *wanted), 0) if background else cls(wanted, IGNORE_INDEX)

    def id_of(self, name: str) -> int:
        """The id for pixels of that name.

        Raises:
            DataError: there is no such class.
        """
        if name == IGNORED:
            return IGNORE_INDEX
        if name in self.names:
            return self.names.index(name)
        raise DataError(
            f"there is no class '{name}'; {suggest(name, self.names)}; add it to the class list, or correct the label"
        )

    @property
    def foreground(self) -> list[int]:
        """The ids of classes that are not the background."""
        return [index for index in range(len(self.names)) if index != self.unlabelled]


def is_background(name: str) -> bool:
    """Whether a class of that name stands for what is none of the others."""
    return name.lower() in (BACKGROUND, "__background__", "background")


def read_class_names(path: Path) -> list[str]:
    """One name a line, in the order of the ids, from 0; ``__ignore__``, as in labelme's lists, does not count.

    Raises:
        DataError: the file cannot be read, or names nothing.
    """
    names = [line for _, line in text_lines(path) if line != IGNORED]
    if not names:
        raise DataError(f"{path} names no classes; want one name a line, that of class 0 first")
    return names


def write_class_names(folder: Path, names: Sequence[str], *, overwrite: bool) -> Path:
    """Note beside label maps what their ids mean; returns the file.

    Raises:
        DataError: the label maps that are there already have other classes.
    """
    path = folder / CLASS_FILE
    if path.exists() and not overwrite:
        before = read_class_names(path)
        if before != list(names):
            raise DataError(
                f"{path}: label maps there have the classes {', '.join(before)}, but these are "
                f"{', '.join(names)}; give the old list with --classes, another folder, or --overwrite"
            )
    atomic.write_text(path, "".join(f"{name}\n" for name in names))
    return path
