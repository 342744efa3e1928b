"""Layouts that are told by the names of folders: images and labels, divided or not, in either order."""

import re
from collections.abc import Iterator
from pathlib import Path

from segwright.datasets.pair_folders import NameRule, Pairing, pair_folders
from segwright.errors import DataError
from segwright.starter.found import PARTS, WHOLE, Found, subfolders
from segwright.starter.name_rules import rules_for, rules_within

IMAGES, LABELS = "images", "labels"
KINDS = {
    **dict.fromkeys(("image", "images", "img", "imgs", "jpegimages", "photo", "photos", "picture", "pictures"), IMAGES),
    **dict.fromkeys(("input", "inputs", "rgb", "frame", "frames", "data", "raw", "leftimg8bit", "x"), IMAGES),
    **dict.fromkeys(("label", "labels", "mask", "masks", "annotation", "annotations", "annot", "annots"), LABELS),
    **dict.fromkeys(("ann", "anns", "seg", "segs", "segmentation", "segmentations", "segmentationclass"), LABELS),
    **dict.fromkeys(("segmentationclasspng", "gt", "gts", "gtfine", "groundtruth", "groundtruths"), LABELS),
    **dict.fromkeys(("target", "targets", "labelmap", "labelmaps", "y"), LABELS),
}
DEPTH = 3  # folders below the one that is given
Folders = dict[str, tuple[Path, Path]]
"""By part, the folder of the pictures and that of the label maps."""


def role_of(name: str) -> tuple[str, str] | None:
    """Kind and part that a folder's name means; empty where it is silent, None if it means neither.

    ``train_masks`` is ``(LABELS, "train")``, ``JPEGImages`` is ``(IMAGES, "")``, ``val2017`` is ``("", "val")``.
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    bare = plain.rstrip("0123456789")
    if plain in KINDS:
        return KINDS[plain], ""
    for word, part in PARTS.items():
        if bare == word:
            return "", part
        for rest in (plain.removeprefix(word), plain.removesuffix(word)):
            if rest in KINDS:
                return KINDS[rest], part
    return None


def layouts(root: Path) -> Iterator[Folders]:
    """Folders that may belong together, the nearest first."""
    for parent in subfolders(root, DEPTH):
        yield from _layouts_of(parent)


def _layouts_of(parent: Path) -> Iterator[Folders]:
    roles = _roles(parent)
    for images in roles.get((IMAGES, ""), []):
        for labels in roles.get((LABELS, ""), []):
            yield _divided(images, labels) or {WHOLE: (images, labels)}
    by_part: Folders = {}
    for part in dict.fromkeys(PARTS.values()):
        bare = roles.get(("", part), [])
        images_of, labels_of = roles.get((IMAGES, part), []) + bare, roles.get((LABELS, part), [])
        if images_of and labels_of:
            by_part[part] = (images_of[0], labels_of[0])
        for folder in bare:
            inner = _roles(folder)
            pairs = [(i, n) for i in inner.get((IMAGES, ""), []) for n in inner.get((LABELS, ""), [])]
            if pairs and part not in by_part:
                by_part[part] = pairs[0]
    if by_part:
        yield by_part


def _divided(images: Path, labels: Path) -> Folders:
    """By part, the sub-folders that both have; empty if the pictures are not divided."""
    inner, outer = _roles(images), _roles(labels)
    parts = (part for part in dict.fromkeys(PARTS.values()) if ("", part) in inner and ("", part) in outer)
    return {part: (inner["", part][0], outer["", part][0]) for part in parts}


def _roles(folder: Path) -> dict[tuple[str, str], list[Path]]:
    found: dict[tuple[str, str], list[Path]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        role = role_of(path.name)
        if role:
            found.setdefault(role, []).append(path)
    return found


def pair_up(root: Path, layout: Folders) -> Found:
    """The pairs of a layout.

    Raises:
        DataError: nothing belongs together, or names are not clear.
    """
    pairings = {part: pair_folders(*folders, *rules_for(*folders)) for part, folders in layout.items()}
    said = [
        f"{images.relative_to(root).as_posix() or '.'} + {labels.relative_to(root).as_posix()}"
        for images, labels in layout.values()
    ]
    return _found(root, f"folders {', '.join(said)}", pairings)


def pairs_side_by_side(root: Path) -> Found | None:
    """Pictures and label maps in one folder, told apart by format or ending; None if there are none."""
    for folder in subfolders(root, DEPTH):
        rules = rules_within(folder)
        if rules is None:
            continue
        try:
            pairing = pair_folders(folder, folder, *rules)
        except DataError:
            continue
        ending = rules[1].postfix
        if ending:
            pairing = Pairing(
                pairing.pairs, [path for path in pairing.lone_images if not path.stem.endswith(ending)], []
            )
        parts = _by_folder(folder, pairing)
        how = f"label maps named *{ending}{{{', '.join(sorted({p.suffix for p in _labels(pairing)}))}}} beside pictures"
        return _found(root, how, parts)
    return None


def _by_folder(folder: Path, pairing: Pairing) -> dict[str, Pairing]:
    """By part where the first sub-folder of each picture names one."""
    parts: dict[str, Pairing] = {}
    for pair in pairing.pairs:
        role = role_of(pair.image.relative_to(folder).parts[0])
        if role is None or role[0] or not role[1]:
            return {WHOLE: pairing}
        parts.setdefault(role[1], Pairing([], [], [])).pairs.append(pair)
    return parts


def _labels(pairing: Pairing) -> list[Path]:
    return [pair.label for pair in pairing.pairs if pair.label]


def _found(root: Path, how: str, pairings: dict[str, Pairing]) -> Found:
    cautions = tuple(f"{said}: these are left out." for one in pairings.values() if (said := one.leftovers()))
    return Found(how, root, {part: pairing.pairs for part, pairing in pairings.items()}, cautions=cautions)


def any_pictures(root: Path) -> int:
    """How many pictures there are in a folder and below it."""
    return sum(len(paths) for paths in NameRule().files(root).values())
