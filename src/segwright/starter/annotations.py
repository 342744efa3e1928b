"""Annotations that are no label maps yet, labelme's and COCO's, and how they become some in a new folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright.convert import (
    Classes,
    Painting,
    collect_labels,
    convert_coco,
    convert_labelme,
    dense_ids,
    find_labelme,
    read_coco,
)
from segwright.datasets import Pair
from segwright.errors import DataError
from segwright.images import output_paths
from segwright.starter.folders import role_of
from segwright.starter.found import PARTS, WHOLE, Found, pictures_in

PEEKED = 5  # JSON files that are opened to see what they are
COCO_KEYS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class Annotations:
    """JSON files with outlines.

    Attributes:
        kind: "labelme" or "COCO".
        files: all of them.
    """

    kind: str
    files: Sequence[Path]

    def request(self, root: Path, out: Path) -> str:
        """What to do about them, as a sentence with the command.

        Raises:
            DataError: they are of COCO's panoptic kind, which cannot be converted.
        """
        count = f"{len(self.files)} {self.kind} file{'s' if len(self.files) != 1 else ''}"
        ours = f"segwright init {root} --convert {out}"
        if self.kind == "labelme":
            return (
                f"{root} holds {count}, first {self.files[0]}, and training wants label maps: {ours} makes them in a "
                f"new folder and goes on (or segwright data from_labelme {root} {out}, then segwright init {out})"
            )
        read_coco(self.files[0])
        return (
            f"{root} holds {count}, {self.files[0]}, and training wants label maps: {ours} makes them in a new folder "
            f"and goes on (segwright data from_coco {self.files[0]} {out} makes them alone)"
        )


def annotations_in(root: Path) -> Annotations | None:
    """What the JSON files in a folder are; None if they are none of both, or there are none."""
    files = sorted(path for path in root.rglob("*.json") if not path.name.startswith("."))
    kinds = [(path, _kind(path)) for path in files[:PEEKED]]
    if any(kind == "COCO" for _, kind in kinds):
        return Annotations("COCO", [path for path in files if _kind(path) == "COCO"])
    return Annotations("labelme", files) if any(kind == "labelme" for _, kind in kinds) else None


def _kind(path: Path) -> str | None:
    try:
        content: Any = json.loads(path.read_bytes())
    except (ValueError, OSError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("shapes"), list):
        return "labelme"
    return "COCO" if all(isinstance(content.get(key), list) for key in COCO_KEYS) else None


def labelme_label_maps(root: Path, out: Path, *, num_workers: int) -> tuple[str, ...]:
    """Write ``out/images`` and ``out/annotations``; returns the names of the classes.

    Raises:
        DataError: files cannot be read.
    """
    classes = Classes.of(collect_labels(find_labelme(root)))
    convert_labelme(root, out, Painting(classes), num_workers=num_workers).conclude(out)
    return classes.names


def coco_label_maps(annotations: Annotations, root: Path, out: Path, *, num_workers: int) -> Found:
    """Write the label maps of all COCO files, and pair them with the pictures, which stay where they are.

    Raises:
        DataError: a file cannot be read, the files have different categories, or pictures are missing.
    """
    pictures = {path.name: path for path in pictures_in(root)}
    parts: dict[str, list[Pair]] = {}
    names: dict[int, str] = {}
    for file in annotations.files:
        listed, categories = read_coco(file)
        if names and categories != names:
            raise DataError(f"{file} has other categories than {annotations.files[0]}; convert them one by one")
        names = categories
        part = _part_of(file, root) if len(annotations.files) > 1 else WHOLE
        folder = out / "annotations" / ("" if part == WHOLE else part)
        convert_coco(listed, dense_ids(names), folder, num_workers=num_workers).conclude(folder)
        places = output_paths([folder / picture.name for picture in listed], folder, ".png")
        missing = [picture.name for picture in listed if picture.name.name not in pictures]
        if missing:
            raise DataError(
                f"{file} names {len(missing)} pictures that are nowhere below {root}, first {missing[0]}; put them "
                "there, or take them out of the file"
            )
        parts.setdefault(part, []).extend(
            Pair(pictures[picture.name.name], folder / place) for picture, place in zip(listed, places, strict=True)
        )
    return Found(
        f"COCO's {', '.join(f.name for f in annotations.files)}", root, parts, class_names=dense_ids(names).names
    )


def _part_of(file: Path, root: Path) -> str:
    """Train or val, as a file's name or that of its folder says."""
    for word in (*file.stem.replace("-", "_").split("_"), *file.relative_to(root).parts[:-1]):
        role = role_of(word)
        if role and role[1]:
            return role[1]
    raise DataError(
        f"{file} says by no word like {', '.join(PARTS)} which part of the data it is, and there are "
        "several; rename it, or leave one file"
    )
