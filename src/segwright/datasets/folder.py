"""The folder of a data set: where it is, and where it comes from when it is not there."""

import logging
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from segwright.errors import DataError
from segwright.fetch import ArchiveError, Digest, DownloadError, Limits, alone, cache_folder, download_file, unpack

logger = logging.getLogger("segwright.datasets")

# ADE20K has 44 000 files, PASCAL VOC 2 GB; pictures hardly shrink, label maps stored as plain pixels do.
LIMITS = Limits(members=500_000, inflation=50, harmless=1 << 28, largest=64 << 30)
LARGEST = 16 << 30  # bytes of an archive


class Source(NamedTuple):
    """An archive of a data set that anybody may download.

    Attributes:
        url: zip, tar or tar.gz.
        folder: what the data set's folder is usually called.
        holds: a file or folder in it, by which it is known in the archive, wherever it lies there.
        digest: of the archive, where its makers or others have published one.
    """

    url: str
    folder: str
    holds: str
    digest: Digest | None = None


def find_folder(folder: str | Path | None, layout: str, source: Source | None = None) -> Path:
    """The folder of a data set, downloaded first if it is not there and can be had.

    Args:
        folder: None means the cache: ``$SEGWRIGHT_CACHE/datasets/NAME``.
        layout: what such a folder looks like, for messages.
        source: where the data set comes from.

    Raises:
        DataError: it is not there and cannot be downloaded.
    """
    if folder is None:
        if source is None:
            raise DataError(f"dataset_root is not given, and this data set cannot be downloaded; want {layout}")
        folder = cache_folder() / "datasets" / source.folder
    path = Path(folder).expanduser()
    if not path.exists() and source is not None:
        _obtain(source, path.absolute(), layout)
    if not path.is_dir():
        raise DataError(f"dataset_root {path} is no folder (looked from {Path.cwd()}); want {layout}")
    return path


def _obtain(source: Source, target: Path, layout: str) -> None:
    """Download and unpack; ``target`` appears whole or not at all."""
    archive = target.with_name(Path(urlsplit(source.url).path).name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target):
            if target.exists():  # thanks to another process
                return
            logger.info("there is no folder %s yet: it is made once, from %s", target, source.url)
            is_ours = not archive.exists()
            download_file(source.url, archive, largest=LARGEST, digest=source.digest)
            try:
                _unpack(archive, target, source)
            except ArchiveError as error:
                if is_ours:
                    archive.unlink()
                raise DataError(f"{source.url if is_ours else archive}: {error}; or give {layout}") from error
            if is_ours:
                archive.unlink()
    except DownloadError as error:
        raise DataError(f"dataset_root {target} is no folder; {error}, or give {layout}") from error
    except OSError as error:
        raise DataError(f"cannot make {target} from {source.url} ({error}); make room, or give {layout}") from error


def _unpack(archive: Path, target: Path, source: Source) -> None:
    logger.info("unpacking %s to %s", archive, target)
    unpacked = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        unpack(archive, unpacked, LIMITS)
        places = (unpacked, *sorted(path for path in unpacked.iterdir() if path.is_dir()))
        root = next((place for place in places if (place / source.holds).exists()), None)
        if root is None:
            raise ArchiveError(f"this archive is of something else: it holds no {source.holds}")
        root.chmod(0o755)  # mkdtemp's folders are for their owner alone
        root.rename(target)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
