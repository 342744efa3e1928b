"""Which pictures a path means, and where their results go."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from segwright.errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif")
SHOWN = 3  # names in a message, when there may be thousands


def list_images(path: Path | str) -> list[Path]:
    """Find the pictures that a path stands for.

    Args:
        path: a picture; or a folder, searched with its sub-folders for ``IMAGE_SUFFIXES`` in any case, leaving out
            hidden files and folders; or a text file with one picture a line, relative to the file's folder or
            to the working directory. Blank lines and ``#`` lines do not count, and neither does what follows the
            picture on its line, so that the list of a dataset serves too.

    Returns:
        The pictures, sorted by name for a folder, in their order for a text file.

    Raises:
        DataError: ``path`` does not exist, or no picture was found, or the text file names missing ones.
    """
    path = Path(path)
    if path.is_dir():
        images = sorted(_search(path))
        if not images:
            raise DataError(f"no picture in {path} or its sub-folders; looked for {', '.join(IMAGE_SUFFIXES)}")
        return images
    if not path.is_file():
        raise DataError(f"{path} does not exist; want a picture, a folder of pictures, or a text file that lists some")
    if path.suffix.lower() in IMAGE_SUFFIXES or not _is_text(path):
        return [path]
    return _from_text(path)


def output_paths(images: Sequence[Path], source: Path | str, suffix: str | None = None) -> list[Path]:
    """Relative paths for the results of ``images``: sub-folders are kept, no two are the same.

    ``a/1.jpg`` becomes ``a/1.png`` for the suffix ``.png``. Where two names would meet, as of ``x.jpg`` and ``x.bmp``,
    they keep their own suffix too: ``x.jpg.png`` and ``x.bmp.png``.

    Args:
        images: as ``list_images(source)`` gave them.
        source: the path they were found by; results keep their place below it, or below its folder if it is a file.
        suffix: of the results; None keeps that of each picture.

    Returns:
        As many paths as ``images``, in the same order.
    """
    root = _absolute(source)
    root = root if root.is_dir() else root.parent
    places = [_below(_absolute(image), root) for image in images]
    wanted = [place if suffix is None else place.with_name(place.stem + suffix) for place in places]
    meeting = Counter(_folded(path) for path in wanted)
    taken: set[str] = set()
    results = []
    for place, path in zip(places, wanted, strict=True):
        ending = path.suffix
        if meeting[_folded(path)] > 1 and suffix is not None:
            path = place.with_name(place.name + suffix)
        stem, number = path.name.removesuffix(ending), 2
        while _folded(path) in taken:
            path, number = path.with_name(f"{stem}_{number}{ending}"), number + 1
        taken.add(_folded(path))
        results.append(path)
    return results


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and content of each line that is not blank, without byte order mark, line ends and outer blanks.

    Raises:
        DataError: the file cannot be read or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text ({error}); save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def is_file(path: Path) -> bool:
    """``path.is_file()``, and False for names that no disk can hold, as a broken list may contain."""
    try:
        return path.is_file()
    except OSError:
        return False


def missing_files(what: str, missing: Sequence[str], total: int) -> str:
    """``3 of 10 pictures are missing: a.jpg, b.jpg, c.jpg``, with a few names standing for all."""
    more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
    return f"{len(missing)} of {total} {what} do not exist: {', '.join(missing[:SHOWN])}{more}"


def _search(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (
            Path(place, name) for name in names if not name.startswith(".") and name.lower().endswith(IMAGE_SUFFIXES)
        )


def _is_text(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"\0" not in stream.read(4096)  # no picture or video is that long without one


def _from_text(path: Path) -> list[Path]:
    images, missing = [], []
    for _, line in text_lines(path):
        names = [line, *_shorter(line)]
        found = (place / name for name in names for place in (path.parent, Path()) if is_file(place / name))
        image = next(found, None)
        if image is not None:
            images.append(image)
        elif not line.startswith("#"):
            missing.append(line)
    if missing:
        raise DataError(
            f"{path}: {missing_files('pictures', missing, len(images) + len(missing))}; "
            f"paths are relative to {path.parent} or to the working directory"
        )
    if not images:
        raise DataError(f"{path} lists no pictures; want one path a line")
    return images


def _shorter(line: str) -> Iterator[str]:
    """The line without what follows a tab, then without its last word, its last two, and so on."""
    if "\t" in line:
        yield line.split("\t")[0].strip()
    words = line.split(" ")
    yield from (" ".join(words[:count]).strip() for count in range(len(words) - 1, 0, -1))


def _absolute(path: Path | str) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100, links must keep the place where they were found


def _below(image: Path, root: Path) -> Path:
    """Place of an image relative to ``root``; of one elsewhere, all its folders."""
    return image.relative_to(root) if image.is_relative_to(root) else image.relative_to(image.anchor)


def _folded(path: Path) -> str:
    return str(path).casefold()  # disks of Windows and macOS do not tell x.png from X.png
