"""A data set in few large files, from this machine or by URL; ``segwright data pack`` writes it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urljoin

import numpy as np

from segwright import fetch
from segwright.datasets.base import Mode, SegmentationDataset, Transforms
from segwright.datasets.digest import Content
from segwright.datasets.list_file import Pair
from segwright.datasets.packed_index import INDEX_NAME, Index, Member, Shard, read_index
from segwright.errors import ConfigError, DataError
from segwright.registry import DATASETS

LARGEST_INDEX = 4 << 30  # bytes


@DATASETS.register
class Packed(SegmentationDataset):
    """Pictures and label maps out of shards, the same samples as the files that were packed.

    Each is read at its place in a shard, so that the order of training is as free as with single files. Shards by URL
    are downloaded before anything else, once, to ``$SEGWRIGHT_CACHE/packed``: an epoch of a shuffled data set takes
    something from all of them, and every epoch takes all.

    Args:
        transforms: a list of transforms, or a ``Compose``.
        index: the ``index.json`` beside the shards, its folder, or its http(s) URL. What was downloaded once stays as
            it is; publish other data under another address.
        num_classes: classes, as when the data were packed.
        mode: "train" transforms label maps too; "val" and "test" leave them at their own size.
        ignore_index: id of pixels that do not count, as when the data were packed.
        edge: training items also hold a boundary map.
        img_channels: bands that the transforms deliver; a ``Compose`` knows its own.
        multilabel: a pixel may have several labels, as when the data were packed.

    Raises:
        ConfigError: arguments contradict each other or the index.
        DataError: the index or a shard is missing or damaged, or cannot be downloaded.
    """

    def __init__(
        self,
        transforms: Transforms,
        index: str | Path,
        num_classes: int,
        mode: Mode = "train",
        ignore_index: int = 255,
        edge: bool = False,
        img_channels: int = 3,
        multilabel: bool = False,
    ) -> None:
        is_remote = str(index).startswith(("http://", "https://"))
        path = _downloaded_index(str(index)) if is_remote else _local_index(Path(index).expanduser())
        content = read_index(path)
        stated = {"num_classes": num_classes, "ignore_index": ignore_index, "multilabel": multilabel}
        for name, value in stated.items():
            packed = getattr(content, name)
            if value != packed:
                raise ConfigError(f"{name} is {value}, but the data in {path} were packed with {name}: {packed}")
        for shard in content.shards:
            if is_remote:
                _download_shard(str(index), shard, path.parent)
            _check_size(path.parent / shard.name, shard.size)
        self._index = content
        self._places: dict[Path, tuple[Path, Member]] = {}
        super().__init__(
            self._pairs(content, path.parent),
            transforms,
            num_classes=num_classes,
            mode=mode,
            ignore_index=ignore_index,
            edge=edge,
            img_channels=img_channels,
            bit_depth=content.bit_depth,
            class_names=content.class_names,
            palette=content.palette,
            stored_ids=content.label_ids,
            multilabel=multilabel,
        )

    def _pairs(self, index: Index, folder: Path) -> list[Pair]:
        """Pairs of names below their shard's, as if it were a folder, for messages; notes where the bytes are."""

        def place(shard: Path, key: str, member: Member) -> Path:
            path = shard / f"{key}{member.suffix}"
            self._places[path] = (shard, member)
            return path

        return [
            Pair(place(shard, sample.key, sample.image), sample.label and place(shard, sample.key, sample.label))
            for shard, samples in ((folder / shard.name, shard.samples) for shard in index.shards)
            for sample in samples
        ]

    def stored(self, path: Path) -> bytes:
        """The bytes of a picture or label map.

        Raises:
            DataError: its shard cannot be read.
        """
        shard, member = self._places[path]
        try:
            with shard.open("rb") as file:
                file.seek(member.offset)
                content = file.read(member.size)
        except OSError as error:
            raise DataError(f"{shard} cannot be read: {error.strerror}") from error
        if len(content) < member.size:
            raise DataError(f"{shard} has become shorter than {INDEX_NAME} says; get it again")
        return content

    def load_image(self, index: int) -> np.ndarray:
        """As every data set's."""
        with _named(self.pairs[index].image):
            return super().load_image(index)

    def load_label(self, index: int) -> np.ndarray:
        """As every data set's."""
        with _named(self.pairs[index].label or self.pairs[index].image):
            return super().load_label(index)

    def contents(self) -> Sequence[Content]:
        """Names and digests of all files, as they were packed."""
        return [
            Content(
                f"{sample.key}{sample.image.suffix}",
                sample.image.digest,
                *((f"{sample.key}{sample.label.suffix}", sample.label.digest) if sample.label else ()),
            )
            for shard in self._index.shards
            for sample in shard.samples
        ]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors in bytes from memory get the name that these bytes have here."""
    try:
        yield
    except DataError as error:
        if str(path) in str(error):
            raise
        raise DataError(f"{path}: {error}") from error


def _local_index(path: Path) -> Path:
    return path / INDEX_NAME if path.is_dir() else path


def _downloaded_index(url: str) -> Path:
    """The index behind a URL, in a folder of its own where the shards belong as well."""
    folder = fetch.cache_folder() / "packed" / hashlib.sha256(url.encode()).hexdigest()[:16]
    _download(url, folder / INDEX_NAME, LARGEST_INDEX)
    return folder / INDEX_NAME


def _download_shard(index_url: str, shard: Shard, folder: Path) -> None:
    target = folder / shard.name
    if not (target.is_file() and target.stat().st_size == shard.size):  # what is there was verified when it came
        url = urljoin(index_url, quote(shard.name))
        _download(url, target, shard.size, fetch.Digest("sha256", shard.sha256))


def _download(url: str, target: Path, largest: int, digest: fetch.Digest | None = None) -> None:
    try:
        fetch.download_file(url, target, largest=largest, digest=digest)
    except fetch.DownloadError as error:
        raise DataError(str(error)) from error


def _check_size(shard: Path, size: int) -> None:
    if not shard.is_file():
        raise DataError(f"{shard} is missing: it belongs beside its {INDEX_NAME}")
    found = shard.stat().st_size
    if found != size:
        raise DataError(
            f"{shard} has {found} bytes, but {INDEX_NAME} says {size}: one of them was cut short or is of "
            "another data set; get both again"
        )
