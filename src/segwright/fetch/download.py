"""One file by URL.

A file comes under a temporary name and takes its place when it is whole and verified. A connection that breaks is taken
up again where it broke, at once or by the next run, if the server can say that the file is still the same: by a strong
ETag or the time of its last change (RFC 9110, sections 8.8 and 14).
"""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import pooch
import requests
from filelock import FileLock, Timeout

from segwright.console import track
from segwright.errors import SegwrightError
from segwright.fetch.web_page import is_web_page

logger = logging.getLogger("segwright")

TIMEOUT = 30  # seconds without a byte
BLOCK = 1 << 16
RETRIES = 3  # in a row, each without a new byte
PAUSE = 1.0  # seconds before a retry

_forbidden: ContextVar[bool] = ContextVar("downloads are forbidden", default=False)


class DownloadError(SegwrightError):
    """A file did not come, or is not the one that was asked for. The message names the path where it is expected."""


class Digest(NamedTuple):
    """What the bytes of a file must give, in hexadecimal."""

    algorithm: str
    value: str

    def fits(self, file: Path) -> bool:
        """Whether the file has this digest."""
        return pooch.file_hash(str(file), alg=self.algorithm) == self.value


def cache_folder() -> Path:
    """``$SEGWRIGHT_CACHE``, or the folder that the platform has for such files."""
    return Path(os.environ.get("SEGWRIGHT_CACHE") or pooch.os_cache("segwright"))


@contextmanager
def without_downloads() -> Iterator[None]:
    """In this block ``download_file`` raises a ``DownloadError`` for what is not there yet."""
    before = _forbidden.set(True)
    try:
        yield
    finally:
        _forbidden.reset(before)


def download_file(url: str, target: Path, *, largest: int, digest: Digest | None = None) -> None:
    """Bring the file behind a URL to ``target``, unless it is there.

    Several processes may ask for the same file at the same time: one downloads, the others wait.

    Args:
        url: http(s).
        target: where the file belongs; its folder is made.
        largest: bytes; a server that sends more is refused.
        digest: what the file must have, also if it is there already.

    Raises:
        DownloadError: no network, no such file, a web page instead of a file, fewer bytes than announced, more than
            ``largest``, another digest, or no place on the disk.
    """
    if _is_there(target, digest):
        return
    if _forbidden.get():
        raise DownloadError(f"{target} is not there, and nothing is to be downloaded now (it would come from {url})")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target):
            if not _is_there(target, digest):  # as it may be by now, thanks to another process
                logger.info("downloading %s to %s", url, target)
                _download(url, target, largest, digest)
    except OSError as error:  # requests' errors are among them
        raise DownloadError(
            f"cannot download {url} ({error}); check the address and the network, or put the file at {target}"
        ) from error


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """No other process that asks for the same target runs such a block at the same time."""
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("waiting for another process that downloads %s", target)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _is_there(target: Path, digest: Digest | None) -> bool:
    return target.is_file() and (digest is None or digest.fits(target))


def _download(url: str, target: Path, largest: int, digest: Digest | None) -> None:
    part = _Part(target)
    resumable = False
    try:
        _fetch(url, part, largest)
        _check(url, part.file, target, digest)
        os.replace(part.file, target)
    except (requests.RequestException, KeyboardInterrupt):
        resumable = bool(part.mark)
        raise
    finally:
        if not resumable:
            part.discard()


class _Part:
    """The first bytes of a file that is still to come, and the mark by which its server knows it again."""

    def __init__(self, target: Path) -> None:
        self.file = target.with_name(f".{target.name}.part")
        self._mark_file = target.with_name(f".{target.name}.mark")

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.is_file() else 0

    @property
    def mark(self) -> str:
        return self._mark_file.read_text(encoding="latin1") if self._mark_file.is_file() else ""

    def begin(self, mark: str) -> None:
        """Start again with nothing."""
        self.discard()
        if mark:
            self._mark_file.write_text(mark, encoding="latin1")
        self.file.touch()

    def discard(self) -> None:
        self.file.unlink(missing_ok=True)
        self._mark_file.unlink(missing_ok=True)


def _fetch(url: str, part: _Part, largest: int) -> None:
    """Try until ``part`` is the whole file, as long as tries bring something.

    Raises:
        OSError: they do not; what has come so far stays.
    """
    fruitless = 0
    while True:
        before = part.size
        try:
            return _request(url, part, largest)
        except requests.RequestException as error:
            fruitless = 0 if part.size > before else fruitless + 1
            refused = error.response is not None and error.response.status_code < 500
            if refused or not part.size or fruitless > RETRIES:
                raise
            logger.warning("the download of %s broke after %d bytes (%s); going on", url, part.size, error)
            time.sleep(PAUSE)


def _request(url: str, part: _Part, largest: int) -> None:
    """Ask once for what ``part`` lacks, or for all where the server knows nothing of parts or the file has changed."""
    headers = {"Accept-Encoding": "identity"}  # so that lengths are those of the file
    start = part.size if part.mark else 0
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": part.mark}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        found, _, total = response.headers.get("Content-Range", "").partition("/")
        if start and response.status_code == 416 and total == str(start):
            return None  # nothing is lacking
        if start and response.status_code in (206, 416):
            is_same = _mark(response) in ("", part.mark) and found.startswith(f"bytes {start}-")
            if not is_same:  # the server did not heed If-Range, or has its own idea of ranges
                part.discard()
                return _request(url, part, largest)
        else:
            response.raise_for_status()
            start, total = 0, response.headers.get("Content-Length", "")
            part.begin(_mark(response))
        if "Content-Encoding" in response.headers:
            total = ""  # the length of something else
        wanted = int(total) if total.isdecimal() else None
        size = start
        with part.file.open("ab") as file:
            blocks = response.iter_content(BLOCK)
            for block in track(blocks, "downloading", total=wanted and -(-(wanted - start) // BLOCK)):
                size += len(block)
                if size > largest:
                    raise DownloadError(f"{url} sends more than {largest} bytes, which is no such file")
                file.write(block)
    if wanted is not None and size != wanted:
        raise requests.ConnectionError(f"{size} of {wanted} bytes came")
    return None


def _mark(response: requests.Response) -> str:
    """What If-Range takes: a strong ETag or a date; nothing for content that was encoded on its way."""
    headers = response.headers
    if "Content-Encoding" in headers:
        return ""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified", "")


def _check(url: str, part: Path, target: Path, digest: Digest | None) -> None:
    with part.open("rb") as file:
        head = file.read(512)
    otherwise = f"or put the file at {target}"
    if not head:
        raise DownloadError(f"{url} answers with an empty file; try again, {otherwise}")
    if is_web_page(head):
        raise DownloadError(f"{url} answers with a web page, not with a file; find the file's own address, {otherwise}")
    if digest and not digest.fits(part):
        raise DownloadError(f"{url} is not the file that was asked for: its {digest.algorithm} is not {digest.value}")
