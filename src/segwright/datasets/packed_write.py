"""Any data set into shards and an index, files unchanged. See ``packed_index`` for what is written."""

import io
import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pooch

from segwright import atomic
from segwright.console import track
from segwright.datasets.base import SegmentationDataset
from segwright.datasets.file_digests import content_digest
from segwright.datasets.packed_index import INDEX_NAME, LABEL, Index, Member, PackedSample, Shard
from segwright.errors import ConfigError, DataError, OutputError
from segwright.images import IMAGE_SUFFIXES

OWN_WAYS = ("sample", "load", "load_image", "load_label", "stored", "edge_radius")
BLOCK = tarfile.BLOCKSIZE


class _File(NamedTuple):
    suffix: str  # behind the sample's key
    path: Path


class _Sample(NamedTuple):
    key: str
    files: tuple[_File, ...]  # the picture and, if there is one, its label map

    @property
    def size(self) -> int:
        """Bytes in a shard, with a header for each file, rounded up as tar does; long names take a little more."""
        return sum(BLOCK + -(-file.path.stat().st_size // BLOCK) * BLOCK for file in self.files)


def pack(dataset: SegmentationDataset, folder: Path, *, shard_size: int) -> Path:
    """Write a data set as shards of about ``shard_size`` bytes, and an index of them.

    Shards are written whole, and read back and compared with the files that they were made of, byte by byte. When this
    is called again after an interruption, shards that are there are compared only. A file of another kind or content
    is never replaced. A shard is put together in memory.

    Args:
        dataset: its files, their order and what is known about its classes count; its transforms do not.
        folder: where to; made if it is not there.
        shard_size: a larger sample has a shard of its own.

    Returns:
        The path of the index, which is written last.

    Raises:
        ConfigError: the data set makes samples in a way that a packed one would not repeat.
        DataError: a file cannot be read, or has a name that no shard can hold.
        OutputError: there is not enough room, or something else is in the folder under a name that is needed.
    """
    kind = type(dataset)
    if any(getattr(kind, way) is not getattr(SegmentationDataset, way) for way in OWN_WAYS):
        raise ConfigError(
            f"{kind.__name__} makes its samples in a way of its own, which packed files would not repeat: train from "
            "its own files"
        )
    try:
        groups = list(_groups(_samples(dataset), shard_size))
        named = [(folder / f"{dataset.mode}-{number:06d}.tar", group) for number, group in enumerate(groups)]
        _check_room(folder, sum(sample.size for path, group in named if not path.exists() for sample in group))
        shards = tuple(_shard(path, group) for path, group in track(named, "packing", total=len(named)))
    except OSError as error:
        raise DataError(f"{error.filename or folder}: {error.strerror}") from error
    index = Index(
        num_classes=dataset.num_classes,
        ignore_index=dataset.ignore_index,
        class_names=dataset.class_names,
        palette=tuple(dataset.palette or ()),
        label_ids=None if dataset.label_ids is None else dict(dataset.label_ids),
        bit_depth=dataset.bit_depth,
        multilabel=dataset.multilabel,
        shards=shards,
    )
    _write_index(folder / INDEX_NAME, index.model_dump_json() + "\n")
    return folder / INDEX_NAME


def _samples(dataset: SegmentationDataset) -> Iterator[_Sample]:
    """Every pair under a key of its own: the picture's path from the folder that all have in common."""
    images = [Path(os.path.abspath(pair.image)) for pair in dataset.pairs]  # noqa: PTH100, links keep their place
    root = os.path.commonpath([image.parent for image in images])
    taken: set[str] = set()
    for image, pair in zip(images, dataset.pairs, strict=True):
        place = image.relative_to(root)
        # The webdataset library ends a key at the first dot of a file's name.
        stem = place.with_name(place.stem.replace(".", "_")).as_posix()
        key, number = stem, 2
        while key in taken:
            key, number = f"{stem}-{number}", number + 1
        taken.add(key)
        try:
            key.encode()
        except UnicodeEncodeError:
            raise DataError(f"{os.fsencode(image)!r}: a name in a shard is UTF-8; rename the file") from None
        label = (_File(LABEL + _suffix(pair.label), pair.label),) if pair.label else ()
        yield _Sample(key, (_File(_suffix(pair.image), pair.image), *label))


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise DataError(f"{path}: in a shard a file is known by its suffix; name it {', '.join(IMAGE_SUFFIXES)}")
    return suffix


def _groups(samples: Iterator[_Sample], shard_size: int) -> Iterator[list[_Sample]]:
    """One after the other, as many as fit a shard."""
    group: list[_Sample] = []
    room = shard_size
    for sample in samples:
        size = sample.size
        if group and size > room:
            yield group
            group, room = [], shard_size
        group.append(sample)
        room -= size
    yield group


def _check_room(folder: Path, needed: int) -> None:
    atomic.ensure_folder(folder)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(f"{folder} has room for {free >> 20} MB, but the shards take {needed >> 20} MB; make room")


def _shard(path: Path, samples: Sequence[_Sample]) -> Shard:
    """What the index says about a shard, which is written unless it is there, and verified."""
    if not path.exists():
        atomic.write_bytes(path, _tar(samples), sync=True)
    return Shard(
        name=path.name,
        size=path.stat().st_size,
        sha256=pooch.file_hash(str(path), alg="sha256"),
        samples=tuple(_verified(path, samples)),
    )


def _tar(samples: Sequence[_Sample]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for sample in samples:
            for file in sample.files:
                data = file.path.read_bytes()
                entry = tarfile.TarInfo(f"{sample.key}{file.suffix}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def _verified(path: Path, samples: Sequence[_Sample]) -> Iterator[PackedSample]:
    """Where in the shard each file is, by another reader than the writer, and compared with the file itself.

    Raises:
        OutputError: the shard holds something else.
    """
    other = OutputError(
        f"{path} does not hold what is to be packed: it is of other data or another shard size, or a picture has "
        "changed since it was written; remove it, or choose another folder. If it was written just now, check the disk"
    )
    try:
        with tarfile.open(path, "r:") as archive:
            for sample in samples:
                members = [_member(archive, sample.key, file) for file in sample.files]
                if None in members:
                    raise other
                image, label = (*members, None)[:2]
                assert image is not None
                yield PackedSample(key=sample.key, image=image, label=label)
            if archive.next() is not None:
                raise other
    except tarfile.TarError as error:
        raise other from error


def _member(archive: tarfile.TarFile, key: str, file: _File) -> Member | None:
    """The archive's next member, if it is this file."""
    entry = archive.next()
    if entry is None or not entry.isreg() or entry.name != f"{key}{file.suffix}":
        return None
    stream = archive.extractfile(entry)
    content = file.path.read_bytes()
    if stream is None or stream.read() != content:
        return None
    return Member(file.suffix, entry.offset_data, len(content), content_digest(content))


def _write_index(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise OutputError(f"{path} is of another data set; remove it, or choose another folder")
    atomic.write_text(path, text, sync=True)
