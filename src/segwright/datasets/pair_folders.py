"""Which picture belongs to which label map, told from folders by names; and list files written from that."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segwright import atomic
from segwright.datasets.list_file import Pair
from segwright.errors import DataError
from segwright.images import IMAGE_SUFFIXES

log = logging.getLogger("segwright.datasets")
SHOWN = 10  # names of files without a partner


@dataclass(frozen=True)
class NameRule:
    """Which files of a folder count, and what of their names must agree.

    Attributes:
        postfix: what the name ends in, before the suffix, as ``_leftImg8bit``; it is no part of what must agree.
        suffixes: file formats, as ``.png``.
        prefix: what the name begins with, as ``mask_``; it is no part of what must agree either.
    """

    postfix: str = ""
    suffixes: tuple[str, ...] = IMAGE_SUFFIXES
    prefix: str = ""

    def files(self, folder: Path) -> dict[str, list[Path]]:
        """Files in a folder and its sub-folders by what must agree: their path below it, up to the postfix."""
        found: dict[str, list[Path]] = defaultdict(list)
        for place, folders, names in os.walk(folder, followlinks=True):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                path = Path(place, name)
                if path.suffix.lower() in self.suffixes and self._counts(path.stem):
                    stem = path.stem.removeprefix(self.prefix).removesuffix(self.postfix)
                    found[path.relative_to(folder).with_name(stem + ".").as_posix()].append(path)
        return found

    def _counts(self, stem: str) -> bool:
        is_named = stem.startswith(self.prefix) and stem.endswith(self.postfix) and stem[0] != "."
        return is_named and len(stem) > len(self.prefix + self.postfix)


@dataclass(frozen=True)
class Pairing:
    """What belongs together, and what is left over.

    Attributes:
        pairs: sorted by the pictures' names.
        lone_images: pictures without a label map.
        lone_labels: label maps without a picture.
    """

    pairs: list[Pair]
    lone_images: list[Path]
    lone_labels: list[Path]

    def leftovers(self) -> str:
        """One sentence about files without a partner; empty if there are none."""
        parts = [
            f"{len(paths)} {what}: {', '.join(map(str, paths[:SHOWN]))}{' ...' if len(paths) > SHOWN else ''}"
            for what, paths in (
                ("pictures have no label map", self.lone_images),
                ("label maps have no picture", self.lone_labels),
            )
            if paths
        ]
        return "; ".join(parts)


def pair_folders(
    images: Path,
    labels: Path,
    image_rule: NameRule = NameRule(),
    label_rule: NameRule = NameRule(),
) -> Pairing:
    """Match each picture with the label map of the same name, in the same sub-folder.

    Args:
        images: folder of the pictures, with sub-folders.
        labels: folder of the label maps; it may be the same one, if rules tell the files apart.
        image_rule: which files are pictures.
        label_rule: which files are label maps.

    Raises:
        DataError: a folder is missing or holds no such files, two files have one name, or nothing belongs together.
    """
    by_name = []
    for what, folder, rule in (("pictures", images, image_rule), ("label maps", labels, label_rule)):
        if not folder.is_dir():
            raise DataError(f"there is no folder {folder} with {what}")
        found = rule.files(folder)
        if not found:
            raise DataError(f"no {what} in {folder}: looked for *{rule.postfix}{{{','.join(rule.suffixes)}}}")
        twice = next((paths for paths in found.values() if len(paths) > 1), None)
        if twice:
            raise DataError(
                f"{twice[0]} and {twice[1]} have one name; say with --format or --postfix which {what} count"
            )
        by_name.append({name: paths[0] for name, paths in found.items()})
    pictures, maps = by_name
    pairing = Pairing(
        [Pair(pictures[name], maps[name]) for name in sorted(pictures.keys() & maps.keys())],
        [path for name, path in sorted(pictures.items()) if name not in maps],
        [path for name, path in sorted(maps.items()) if name not in pictures],
    )
    if not pairing.pairs:
        raise DataError(
            f"no picture has a label map of its name, first {pairing.lone_images[0]} and {pairing.lone_labels[0]}; "
            "say with --postfix what the names end in"
        )
    return pairing


def write_list(path: Path, pairs: Iterable[Pair], root: Path, separator: str = " ") -> None:
    """Write a list file, names relative to ``root`` where they lie in it; warns where a name holds the separator."""
    lines = [
        separator.join(_below(file, root) for file in (pair.image, pair.label) if file is not None) for pair in pairs
    ]
    doubtful = [line for line in lines if line.count(separator) > 1]
    if doubtful:
        log.warning(
            "%s: in %d lines a name holds the separator %r, first %s; that is understood here, but not by PaddleSeg: "
            "--separator '\\t' is safe",
            path,
            len(doubtful),
            separator,
            doubtful[0],
        )
    atomic.write_text(path, "".join(f"{line}\n" for line in lines))


def write_lists(
    lists: Mapping[Path, Sequence[Pair]], root: Path, separator: str = " ", *, overwrite: bool = False
) -> None:
    """Write list files, all or none.

    Raises:
        DataError: one of them is there already.
    """
    there = [str(path) for path in lists if path.exists()]
    if there and not overwrite:
        raise DataError(f"{', '.join(there)} exist already; name another place, or say --overwrite")
    for path, pairs in lists.items():
        write_list(path, pairs, root, separator)


def _below(file: Path, root: Path) -> str:
    file, root = Path(os.path.abspath(file)), Path(os.path.abspath(root))  # noqa: PTH100 - links stay links
    return (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()
