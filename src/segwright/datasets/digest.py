"""What a data set holds, as one short word that changes when anything in it does. No torch."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from segwright import atomic
from segwright.datasets.base import SegmentationDataset
from segwright.datasets.file_digests import DIGITS, file_digests

SHOWN = 5  # names of one kind in a list of changes


class Content(NamedTuple):
    """One pair of a data set.

    Attributes:
        image: the picture's name, from the folder that all files of the data set have in common.
        image_digest: of its bytes, as ``content_digest`` gives it.
        label: the label map's name; empty where there is none.
        label_digest: of its bytes, or empty.
    """

    image: str
    image_digest: str
    label: str = ""
    label_digest: str = ""

    @property
    def digests(self) -> tuple[str, str]:
        """What counts of the pair."""
        return self.image_digest, self.label_digest


@runtime_checkable
class KnowsContents(Protocol):
    """A data set that was packed together with its files' digests, so that none has to be read."""

    def contents(self) -> Sequence[Content]:
        """Its pairs, in order."""
        ...


@dataclass(frozen=True)
class DataDigest:
    """The contents of a data set, and the one digest over them.

    Any changed, added or removed picture or label map changes the digest, and so does another order of the pairs, for
    each decides which pictures a training step sees. Names do not count: a data set that was moved, renamed or packed
    is the same.
    """

    contents: tuple[Content, ...]

    @cached_property
    def value(self) -> str:
        """A digest of the pairs' digests (a Merkle tree of two levels), in hexadecimal."""
        digest = hashlib.sha256()
        for content in self.contents:
            digest.update(f"{content.image_digest} {content.label_digest}\n".encode())
        return digest.hexdigest()[:DIGITS]


def digest_data(dataset: SegmentationDataset) -> DataDigest:
    """Find a data set's digest; each file is read once, and again only when it may have changed.

    Raises:
        DataError: a file cannot be read.
    """
    if isinstance(dataset, KnowsContents):
        return DataDigest(tuple(dataset.contents()))
    files = {path for pair in dataset.pairs for path in pair if path is not None}
    root = Path(os.path.commonpath([path.absolute().parent for path in files]))
    digests = file_digests(files, root)

    def name(path: Path) -> str:
        return path.absolute().relative_to(root).as_posix()

    return DataDigest(
        tuple(
            Content(name(image), digests[image], name(label), digests[label])
            if label
            else Content(name(image), digests[image])
            for image, label in dataset.pairs
        )
    )


def write_listing(save_dir: Path, digest: DataDigest) -> Path:
    """Keep the digests of single files in ``save_dir``, so that later changes can be told by name."""
    path = _listing(save_dir, digest.value)
    if not path.is_file():
        atomic.write_text(path, "".join(json.dumps(content) + "\n" for content in digest.contents))
    return path


def read_listing(save_dir: Path, value: str) -> DataDigest | None:
    """What ``write_listing`` kept for the digest ``value``; None if it is not there or not whole."""
    try:
        lines = _listing(save_dir, value).read_text(encoding="utf-8").splitlines()
        digest = DataDigest(tuple(Content(*json.loads(line)) for line in lines))
    except (OSError, ValueError, TypeError):
        return None
    return digest if digest.value == value else None


def _listing(save_dir: Path, value: str) -> Path:
    return save_dir / "data" / f"{value[:12]}.jsonl"


def changes(old: DataDigest, new: DataDigest) -> list[str]:
    """What happened to a data set, a sentence for each of the first few files of a kind; empty if nothing did.

    A renamed file is no change. Order is spoken of only where the pairs are otherwise the same.
    """
    if old.value == new.value:
        return []
    before, after = _by_name(old), _by_name(new)
    both = before.keys() & after.keys()
    kept = [(before[key], after[key]) for key in before if key in both]
    gone = [before[key] for key in before if key not in both]
    come = [after[key] for key in after if key not in both]
    labels = [now.label or was.label for was, now in kept if was.label_digest != now.label_digest]
    rows = [
        *_rows("the picture changed", [now.image for was, now in kept if was.image_digest != now.image_digest]),
        *_rows("the label map changed", labels),
        *_rows("removed", [content.image for content in _beyond(gone, come)]),
        *_rows("added", [content.image for content in _beyond(come, gone)]),
    ]
    if not rows:
        place, was, now = next(
            (place, was, now)
            for place, (was, now) in enumerate(zip(old.contents, new.contents, strict=True), start=1)
            if was.digests != now.digests
        )
        rows.append(f"the order of pairs differs from place {place} on: {was.image} -> {now.image}")
    return rows


def _by_name(digest: DataDigest) -> dict[tuple[str, int], Content]:
    """Pairs by their picture's name, and by how often it came before, for a list may repeat a picture."""
    seen: Counter[str] = Counter()
    pairs = {}
    for content in digest.contents:
        pairs[content.image, seen[content.image]] = content
        seen[content.image] += 1
    return pairs


def _beyond(some: Sequence[Content], others: Sequence[Content]) -> Iterator[Content]:
    """Those of ``some`` whose bytes are not in ``others`` too, under another name."""
    renamed = Counter(content.digests for content in others)
    for content in some:
        if renamed[content.digests]:
            renamed[content.digests] -= 1
        else:
            yield content


def _rows(kind: str, names: Sequence[str]) -> list[str]:
    rows = [f"{kind}: {name}" for name in names[:SHOWN]]
    return [*rows, f"{kind}: {len(names) - SHOWN} more"] if len(names) > SHOWN else rows
