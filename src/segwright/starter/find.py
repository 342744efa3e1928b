"""Pictures and label maps in a folder, in whatever layout they are."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from segwright.errors import DataError
from segwright.starter.annotations import annotations_in, coco_label_maps, labelme_label_maps
from segwright.starter.folders import any_pictures, layouts, pair_up, pairs_side_by_side
from segwright.starter.found import Found
from segwright.starter.known import known
from segwright.starter.label_values import LabelValues, look_at_labels
from segwright.starter.lists import image_sets, listed
from segwright.starter.mending import mend, needed

LISTS = "lists"
WANTED = (
    "folders like images/ and labels/ (or masks/, annotations/, SegmentationClass/ ...), train.txt and val.txt with "
    "'picture label' a line, x_mask.png beside x.jpg, labelme's or COCO's JSON, Cityscapes, ADE20K or VOC"
)


def find(root: Path, convert: Path | None, *, num_workers: int) -> tuple[Found, LabelValues]:
    """The pairs of a folder, and what their label maps hold.

    Args:
        root: the folder; nothing is written there.
        convert: a new folder for label maps, where masks or annotations have to become some first.
        num_workers: threads and processes.

    Raises:
        DataError: there are no pictures or no annotations, they cannot be used, or have to be converted and
            ``convert`` is None.
    """
    if not root.is_dir():
        raise DataError(f"{root} is no folder; want one with {WANTED}")
    count = any_pictures(root)
    published = known(root)
    if published:
        values = look_at_labels(published.labels, num_threads=max(1, num_workers))
        return published, values.translated(published.stored_ids or {})
    refused: list[str] = []
    requests: list[str] = []
    broken: tuple[str, ...] = ()
    for sign, attempt in _attempts(root):
        try:
            found = attempt()
        except DataError as error:
            refused.append(str(error))
            if sign == LISTS:
                broken = (f"There is a list that cannot be used: {error}. What is here comes from other signs.",)
            continue
        if found is None:
            continue
        found = replace(found, cautions=broken + found.cautions)
        values = look_at_labels(found.labels, num_threads=max(1, num_workers))
        mending = needed(values, found)
        if mending is None:
            return found, values
        if convert is None:
            requests.append(mending.request(root, found.labels, _suggested(root)))
            continue
        mended = mend(found, mending, convert / "labels", num_workers=num_workers)
        return mended, look_at_labels(mended.labels, num_threads=max(1, num_workers))
    return _converted(root, convert, count, requests + refused, num_workers)


def _attempts(root: Path) -> Iterator[tuple[str, Callable[[], Found | None]]]:
    """What to go by, the surest sign first."""
    yield LISTS, partial(listed, root)
    yield "image sets", partial(image_sets, root)
    for layout in layouts(root):
        yield "folders", partial(pair_up, root, layout)
    yield "endings", partial(pairs_side_by_side, root)


def _converted(
    root: Path, convert: Path | None, count: int, refused: list[str], num_workers: int
) -> tuple[Found, LabelValues]:
    """Pairs from labelme's or COCO's files; an error that says what there is, if they are none."""
    annotations = annotations_in(root)
    if annotations is None:
        if refused:
            raise DataError(refused[0])
        if not count:
            raise DataError(f"there is no picture in {root} or its sub-folders; want {WANTED}")
        raise DataError(f"{root} holds {count} pictures, but no annotation of them was recognised; want {WANTED}")
    if convert is None:
        raise DataError(annotations.request(root, _suggested(root)))
    if annotations.kind == "labelme":
        names = labelme_label_maps(root, convert, num_workers=num_workers)
        found, values = find(convert, None, num_workers=num_workers)
        return replace(found, how=f"labelme's files, converted to {convert}", class_names=names), values
    found = coco_label_maps(annotations, root, convert, num_workers=num_workers)
    return found, look_at_labels(found.labels, num_threads=max(1, num_workers))


def _suggested(root: Path) -> Path:
    """A new folder, beside the data."""
    name = f"{root.absolute().name}_labels"
    return next(
        path
        for number in range(1, 1000)
        if not (path := root.parent / f"{name}{'' if number == 1 else number}").exists()
    )
