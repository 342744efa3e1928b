"""The one file of weights in an archive, taken out in memory: nothing in an archive is ever written to the disk."""

import gzip
import io
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from stat import S_IFMT, S_ISDIR, S_ISREG

from segwright.errors import WeightsError
from segwright.weights.formats import LARGEST, SUFFIXES

MAX_MEMBERS = 10_000
MAX_INFLATION = 20  # trained numbers hardly shrink
HARMLESS = 1 << 26  # bytes to which any archive may inflate, however small it is; tar pads with zeros
BLOCK = 1 << 20

DAMAGE = (
    EOFError,
    NotImplementedError,  # a method of compression that Python lacks
    OSError,
    RuntimeError,  # a password
    ValueError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class _RefusedError(Exception):
    """The archive is more than a few files of a sensible size."""


class _Budget:
    """Members and bytes that an archive may still bring."""

    def __init__(self, archive_size: int) -> None:
        self.members = MAX_MEMBERS
        self.bytes = min(LARGEST, max(HARMLESS, MAX_INFLATION * archive_size))

    def admit(self, name: str, *, is_plain: bool) -> None:
        """Count a member; only files and folders below the archive's own folder may be in it."""
        self.members -= 1
        if self.members < 0:
            raise _RefusedError(f"it holds more than {MAX_MEMBERS} files")
        path = PureWindowsPath(name)  # knows both slashes, and drives
        if path.drive or path.root or ".." in path.parts:
            raise _RefusedError(f"the path {name[:100]!r} in it leads out of it")
        if not is_plain:
            raise _RefusedError(f"{name[:100]!r} in it is a link, a device or a file with holes")

    def spend(self, num_bytes: int) -> None:
        """Count bytes that come out of it."""
        self.bytes -= num_bytes
        if self.bytes < 0:
            raise _RefusedError("it inflates to many times its size, which weights do not")


class _Counted:
    """A stream whose bytes are counted as they are read."""

    def __init__(self, stream: io.BufferedIOBase, budget: _Budget) -> None:
        self.stream = stream
        self.budget = budget

    def read(self, size: int) -> bytes:
        block = self.stream.read(size)
        self.budget.spend(len(block))
        return block


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
    try:
        if data.startswith(b"\x1f\x8b"):
            found = _from_tar(_gunzipped(data), len(data))
        elif data[257:262] == b"ustar":
            found = _from_tar(io.BytesIO(data), len(data))
        elif _is_zip_of_files(data):
            found = _from_zip(data)
        else:
            return data, where
    except _RefusedError as refused:
        raise WeightsError(f"{where}: this archive is refused, because {refused}; nothing was unpacked") from refused
    except DAMAGE as error:
        raise WeightsError(
            f"{where}: this archive is truncated, damaged or of an unknown kind ({error}); get it again, or unpack it "
            "and give the path of the weights"
        ) from error
    if len(found) != 1:
        there = f"{len(found)}: {', '.join(sorted(name for name, _ in found))}" if found else "none"
        raise WeightsError(
            f"{where}: want an archive with one file of weights ({', '.join(SUFFIXES)}), found {there}; unpack it and "
            "give the path of the weights"
        )
    ((name, content),) = found
    return content, where / name


def _gunzipped(data: bytes) -> io.BufferedIOBase:
    stream = gzip.GzipFile(fileobj=io.BytesIO(data))
    if stream.peek(512)[257:262] != b"ustar":
        raise ValueError("gzip, but no tar")
    return stream


def _from_tar(stream: io.BufferedIOBase, archive_size: int) -> list[tuple[str, bytes]]:
    budget = _Budget(archive_size)
    counted = _Counted(stream, budget)
    found: list[tuple[str, bytes]] = []
    with tarfile.open(fileobj=counted, mode="r|", bufsize=BLOCK) as archive:  # type: ignore[call-overload]
        for member in archive:
            budget.admit(member.name, is_plain=member.isdir() or (member.isreg() and not member.issparse()))
            content = archive.extractfile(member)
            if content and _is_weights(member.name):
                found.append((member.name, b"" if found else content.read()))  # of several none is taken
    while counted.read(BLOCK):
        pass  # as far as gzip's checksum, which stands at the end
    return found


def _is_zip_of_files(data: bytes) -> bool:
    """Whether this is a zip, but none by torch.save; damaged ones are left to the reader of .pth files."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return not any(PurePosixPath(name).name == "data.pkl" for name in archive.namelist())
    except DAMAGE:
        return False


def _from_zip(data: bytes) -> list[tuple[str, bytes]]:
    budget = _Budget(len(data))
    found: list[tuple[str, bytes]] = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            kind = S_IFMT(entry.external_attr >> 16)  # 0 if written where files have no such kinds
            budget.admit(entry.filename, is_plain=not kind or S_ISREG(kind) or S_ISDIR(kind))
            budget.spend(entry.file_size)
            if _is_weights(entry.filename):
                found.append((entry.filename, b"" if found else _inflated(archive, entry)))  # of several none is taken
    return found


def _inflated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """A member's bytes, no more of them than the directory claims; a member that has more fails its checksum."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError("compressed otherwise than by deflate")  # which zipfile would inflate unbounded
    with archive.open(entry) as member:
        return member.read(entry.file_size)


def _is_weights(name: str) -> bool:
    path = PurePosixPath(name)
    is_shadow = path.name.startswith(".") or "__MACOSX" in path.parts  # what macOS puts beside each file
    return path.suffix.lower() in SUFFIXES and not is_shadow
