"""The files in a zip, tar or tar.gz from somebody else, refused where it wants to be more than a few files.

No path may lead out of the archive; there are only files and folders in it; and number and size are bounded while it is
read, whatever its headers claim.
"""

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from stat import S_IFMT, S_ISDIR, S_ISREG
from typing import BinaryIO, Literal, NamedTuple, Protocol

from segwright.console import track
from segwright.errors import SegwrightError

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


class ArchiveError(SegwrightError):
    """An archive is damaged, or refused. The message does not name it."""


class Limits(NamedTuple):
    """What an archive may bring.

    Attributes:
        members: files and folders.
        inflation: bytes for each of its own.
        harmless: bytes that any archive may bring, however small it is; tar pads with zeros.
        largest: bytes that none may exceed.
    """

    members: int
    inflation: int
    harmless: int
    largest: int


class Member(NamedTuple):
    """A file in an archive: its path there, with slashes, and where its bytes come from."""

    name: str
    stream: "_Readable"

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, a piece at a time, for a header may claim any size.

        Raises:
            ArchiveError: what comes is damaged, or too much.
        """
        with _explained():
            while block := self.stream.read(BLOCK):
                yield block


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Budget:
    """Members and bytes that an archive may still bring."""

    def __init__(self, limits: Limits, archive_size: int) -> None:
        self.limits = limits
        self.members = limits.members
        self.bytes = min(limits.largest, max(limits.harmless, limits.inflation * archive_size))

    def admit(self, name: str, *, is_plain: bool) -> str:
        """Count a member, and give its path; only files and folders below the archive's own folder may be in it."""
        self.members -= 1
        if self.members < 0:
            raise _refusal(f"it holds more than {self.limits.members} files")
        path = PureWindowsPath(name)  # knows both slashes, and drives
        if path.drive or path.root or ".." in path.parts or "\0" in name:
            raise _refusal(f"the path {name[:100]!r} in it leads out of it")
        if not is_plain:
            raise _refusal(f"{name[:100]!r} in it is a link, a device or a file with holes")
        return path.as_posix()

    def spend(self, num_bytes: int) -> None:
        """Count bytes that come out of it."""
        self.bytes -= num_bytes
        if self.bytes < 0:
            raise _refusal("it inflates to many times its size, which its kind of file does not")


class _Counted:
    """A stream whose bytes are counted as they are read."""

    def __init__(self, stream: _Readable, budget: _Budget) -> None:
        self.stream = stream
        self.budget = budget

    def read(self, size: int) -> bytes:
        block = self.stream.read(size)
        self.budget.spend(len(block))
        return block


def archive_kind(head: bytes) -> Literal["gzip", "zip", "tar"] | None:
    """What the first 512 bytes of a file say."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    return "tar" if head[257:262] == b"ustar" else None


def members(file: BinaryIO, limits: Limits) -> Iterator[Member]:
    """The files in an archive, one after the other; each can be read until the next is asked for.

    Args:
        file: the archive; its position may be anywhere.
        limits: what it may bring.

    Raises:
        ArchiveError: it is damaged or no archive; holds a path that leads out of it, a link or a device; or brings
            more than ``limits``.
    """
    with _explained():
        budget = _Budget(limits, file.seek(0, 2))
        file.seek(0)
        kind = archive_kind(file.read(512))
        file.seek(0)
        if kind is None:
            raise ValueError("no zip, tar or tar.gz")
        if kind == "zip":
            yield from _zip_members(file, budget)
        else:
            yield from _tar_members(_gunzipped(file) if kind == "gzip" else file, budget)


def unpack(archive: Path, folder: Path, limits: Limits) -> None:
    """Write the files of an archive below a folder, which is made; hidden files are left out.

    Raises:
        ArchiveError: as ``members``; what was written until then stays.
        OSError: the disk is full, or the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with archive.open("rb") as file:
        for member in track(members(file, limits), f"unpacking {archive.name}"):
            if is_shadow(member.name):
                continue
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as out:
                out.writelines(member.blocks())


def is_shadow(name: str) -> bool:
    """Whether a member is hidden, or what macOS puts beside each file."""
    path = PurePosixPath(name)
    return path.name.startswith(".") or "__MACOSX" in path.parts


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong with an archive in this block is an ``ArchiveError``."""
    try:
        yield
    except DAMAGE as error:
        raise ArchiveError(
            f"this archive is truncated, damaged or of an unknown kind ({error}); get it again, or unpack it yourself"
        ) from error


def _refusal(reason: str) -> ArchiveError:
    return ArchiveError(f"this archive is refused, because {reason}; nothing was unpacked")


def _gunzipped(file: BinaryIO) -> _Readable:
    stream = gzip.GzipFile(fileobj=file)
    if archive_kind(stream.peek(512)[:512]) != "tar":
        raise ValueError("gzip, but no tar")
    return stream


def _tar_members(stream: _Readable, budget: _Budget) -> Iterator[Member]:
    counted = _Counted(stream, budget)
    with tarfile.open(fileobj=counted, mode="r|", bufsize=BLOCK) as archive:  # type: ignore[call-overload]
        for entry in archive:
            name = budget.admit(entry.name, is_plain=entry.isdir() or (entry.isreg() and not entry.issparse()))
            content = archive.extractfile(entry)
            if content:
                yield Member(name, content)
    while counted.read(BLOCK):
        pass  # as far as gzip's checksum, which stands at the end


def _zip_members(file: BinaryIO, budget: _Budget) -> Iterator[Member]:
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            kind = S_IFMT(entry.external_attr >> 16)  # 0 if written where files have no such kinds
            name = budget.admit(entry.filename, is_plain=not kind or S_ISREG(kind) or S_ISDIR(kind))
            budget.spend(entry.file_size)
            if entry.is_dir():
                continue
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise NotImplementedError("compressed otherwise than by deflate")  # which zipfile inflates unbounded
            with archive.open(entry) as content:
                yield Member(name, content)  # of which zipfile reads no more than the claimed size, then its checksum
