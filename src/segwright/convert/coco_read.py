"""COCO's annotation files: pictures, categories, and what is annotated where."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from segwright.convert.classes import BACKGROUND, IGNORE_INDEX, IGNORED, Classes, is_background
from segwright.convert.coco_masks import Pixels, decode_segmentation
from segwright.convert.json_file import read_json
from segwright.errors import DataError
from segwright.types import Size

Crowd = Literal["paint", "ignore", "skip"]


@dataclass(frozen=True)
class Categories:
    """What COCO's categories become.

    Attributes:
        names: entry i names class i; a gap, where ids are kept, is called ``unused_i``.
        ids: class id by category id.
        unlabelled: id of pixels without an annotation.
    """

    names: tuple[str, ...]
    ids: dict[int, int]
    unlabelled: int


@dataclass(frozen=True)
class Picture:
    """One picture of a file.

    Attributes:
        name: its path below the picture folder.
        size: in pixels.
        annotations: as they stand in the file, of this picture.
    """

    name: PurePosixPath
    size: Size
    annotations: list[dict[str, Any]] = field(repr=False)


def read_coco(path: Path) -> tuple[list[Picture], dict[int, str]]:
    """All pictures of a file, and the name of each category by its number.

    Raises:
        DataError: it is no COCO file.
    """
    content = read_json(path)
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in lists):
        raise DataError(f"{path} is no COCO file: it has no lists {', '.join(lists)}")
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for annotation in content["annotations"]:
        if "segmentation" not in annotation and "segments_info" in annotation:
            raise DataError(
                f"{path} is of COCO's panoptic kind, whose masks are PNG files; want a file of instances or stuff"
            )
        by_image[annotation.get("image_id")].append(annotation)
    try:
        categories = {int(category["id"]): str(category["name"]) for category in content["categories"]}
        pictures = [
            Picture(
                PurePosixPath(str(image["file_name"]).replace("\\", "/")),
                Size(height=int(image["height"]), width=int(image["width"])),
                by_image.get(image["id"], []),
            )
            for image in content["images"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: an image wants id, file_name, height and width, a category id and name; missing or wrong: {error}"
        ) from error
    for picture in pictures:
        if picture.name.is_absolute() or ".." in picture.name.parts:
            raise DataError(f"{path}: file_name {str(picture.name)!r} leads out of the picture folder")
        if min(picture.size) < 1:
            raise DataError(f"{path}: picture {picture.name} is said to be {picture.size}")
    return pictures, categories


def dense_ids(categories: dict[int, str], *, background: bool = True) -> Categories:
    """Classes without gaps, in the order of the categories' numbers; ``background`` as ``Classes.of`` takes it.

    A category ``__ignore__`` becomes 255.
    """
    numbers = sorted(categories)
    classes = Classes.of([categories[number] for number in numbers], background=background)
    return Categories(
        classes.names, {number: classes.id_of(categories[number]) for number in numbers}, classes.unlabelled
    )


def kept_ids(categories: dict[int, str], *, background: bool = True) -> Categories:
    """The categories' own numbers as class ids, gaps included.

    Pixels without annotation become the category that is called background; without one they are 0 if ``background``
    and no category has that number, else 255.

    Raises:
        DataError: a number does not fit a label map.
    """
    named = {number: name for number, name in categories.items() if name != IGNORED}
    lowest, highest = min(named, default=0), max(named, default=0)
    if lowest < 0 or highest > 65535:
        raise DataError(f"categories {lowest} to {highest} do not fit a label map; take --ids dense")
    names = [named.get(number, f"unused_{number}") for number in range(highest + 1)]
    unlabelled = next((number for number in sorted(named) if is_background(named[number])), IGNORE_INDEX)
    if unlabelled == IGNORE_INDEX and background and 0 not in named:
        names[0], unlabelled = BACKGROUND, 0
    ids = {number: IGNORE_INDEX if name == IGNORED else number for number, name in categories.items()}
    return Categories(tuple(names), ids, unlabelled)


def paint_labels(picture: Picture, categories: Categories, *, crowd: Crowd = "paint") -> np.ndarray:
    """One id a pixel: where annotations overlap, the smaller one counts; crowds lie below all others.

    Args:
        picture: with its annotations.
        categories: what they become.
        crowd: whether regions marked ``iscrowd`` get their class, do not count (255), or are left out.

    Returns:
        (H, W) uint8, or uint16 where an id does not fit.

    Raises:
        DataError: an annotation is damaged, or of a category that the file does not list.
    """
    deep = max(categories.ids.values(), default=0) > 255
    label = np.full(picture.size, categories.unlabelled, np.uint16 if deep else np.uint8)
    for _, value, pixels in sorted(_parts(picture, categories, crowd), key=lambda part: part[0]):
        pixels.fill(label, value)
    return label


def paint_stack(
    picture: Picture, categories: Categories, foreground: Sequence[int], *, crowd: Crowd = "paint"
) -> np.ndarray:
    """A map for each of the classes ``foreground``, so that annotations may overlap.

    Returns:
        (H, W, K) uint8: 1 yes, 0 no, 255 does not count. Raises like ``paint_labels``.
    """
    stack = np.zeros((*picture.size, len(foreground)), np.uint8)
    for _, value, pixels in _parts(picture, categories, crowd):
        for index, class_id in enumerate(foreground):
            if value in (class_id, IGNORE_INDEX):
                pixels.fill(stack[:, :, index], 1 if value == class_id else IGNORE_INDEX)
    return stack


_Part = tuple[tuple[bool, int], int, Pixels]


def _parts(picture: Picture, categories: Categories, crowd: Crowd) -> list[_Part]:
    """What comes first from below: crowds, then the others, each the largest first; class id; pixels."""
    parts: list[_Part] = []
    for annotation in picture.annotations:
        where = f"{picture.name}: annotation {annotation.get('id')}"
        number = annotation.get("category_id")
        if number not in categories.ids:
            raise DataError(f"{where} is of category {number!r}, which the file does not list")
        is_crowd = bool(annotation.get("iscrowd"))
        if is_crowd and crowd == "skip":
            continue
        value = IGNORE_INDEX if is_crowd and crowd == "ignore" else categories.ids[number]
        pixels = decode_segmentation(annotation.get("segmentation"), picture.size, where)
        parts.append(((not is_crowd, -int(pixels.mask.sum())), value, pixels))
    return parts
