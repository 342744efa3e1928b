"""The one file of weights in an archive, taken out in memory: nothing of it is written to the disk."""

import io
import zipfile
from pathlib import Path, PurePosixPath

from segwright.errors import WeightsError
from segwright.fetch import ArchiveError, Limits, archive_kind, is_shadow, members
from segwright.weights.formats import LARGEST, SUFFIXES

LIMITS = Limits(members=10_000, inflation=20, harmless=1 << 26, largest=LARGEST)  # trained numbers hardly shrink


def unpack(data: bytes, where: Path) -> tuple[bytes, Path]:
    """The file of weights in a zip, tar or tar.gz, and its path in the archive, below ``where``.

    What is no archive comes back as it is, and so does a .pth file, although it is a zip.

    Args:
        data: the file.
        where: its path.

    Raises:
        WeightsError: the archive is damaged; holds no file of weights, or several; holds a path that leads out of it,
            a link or a device; or inflates far beyond its size.
    """
    kind = archive_kind(data[:512])
    if kind is None or (kind == "zip" and not _is_zip_of_files(data)):
        return data, where
    found: list[tuple[str, bytes]] = []
    try:
        for member in members(io.BytesIO(data), LIMITS):
            if PurePosixPath(member.name).suffix.lower() in SUFFIXES and not is_shadow(member.name):
                found.append((member.name, b"" if found else b"".join(member.blocks())))  # of several none is taken
    except ArchiveError as error:
        raise WeightsError(f"{where}: {error}") from error
    if len(found) != 1:
        there = f"{len(found)}: {', '.join(sorted(name for name, _ in found))}" if found else "none"
        raise WeightsError(
            f"{where}: want an archive with one file of weights ({', '.join(SUFFIXES)}), found {there}; unpack it and "
            "give the path of the weights"
        )
    ((name, content),) = found
    return content, where / name


def _is_zip_of_files(data: bytes) -> bool:
    """Whether this zip is none by torch.save; damaged ones are left to the reader of .pth files."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return not any(PurePosixPath(name).name == "data.pkl" for name in archive.namelist())
    except (OSError, RuntimeError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False
