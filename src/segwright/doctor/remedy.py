"""What would make a pair usable, decided from what was seen of it."""

from collections.abc import Mapping

from segwright.convert import Colours, NewIds, Threshold, palette_entries
from segwright.datasets import SegmentationDataset
from segwright.doctor.case import TRAIN, Case
from segwright.doctor.checks.copies import same_pictures
from segwright.doctor.checks.misplaced import drawn_on_stored
from segwright.doctor.checks.pictures import family, is_misnamed
from segwright.doctor.observation import Observation
from segwright.doctor.treatment import Fitted, ReadIds, Remedy
from segwright.images import default_palette, read_label
from segwright.types import Size

BRIGHT = 128  # brightness from which a mask in black and white shows the object


def remedies(case: Case) -> dict[str, list[Remedy]]:
    """A remedy for each pair that was seen, by section."""
    dropped = _needless(case)
    translation = _translation(case)
    colours = {section: _colours(dataset) for section, dataset in case.datasets.items()}
    return {
        section: [
            Remedy(drop=dropped[id(seen)])
            if id(seen) in dropped
            else _remedy(seen, case.datasets[section], translation, colours[section])
            for seen in pairs
        ]
        for section, pairs in case.seen.items()
    }


def _needless(case: Case) -> dict[int, str]:
    """Pairs that are better left out although they can be read, by identity, and why."""
    dropped: dict[int, str] = {}
    for section, pairs in case.seen.items():
        ignored = case.datasets[section].ignore_index
        dropped.update({id(seen): "all of it is ignored" for seen in pairs if set(seen.pixels) == {ignored}})
        for group in same_pictures(pairs):
            at_odds = len({seen.label_digest for seen in group}) > 1
            reason = "equal pictures have different label maps" if at_odds else "a copy of another picture"
            dropped.update({id(seen): reason for seen in (group if at_odds else group[1:])})
    judged = {seen.digest for section, pairs in case.seen.items() if section != TRAIN for seen in pairs if seen.digest}
    for seen in case.seen.get(TRAIN, []):
        if seen.digest in judged:
            dropped[id(seen)] = "the model is validated on it"
    return dropped


def _remedy(
    seen: Observation, dataset: SegmentationDataset, translation: Mapping[int, int] | None, colours: Colours
) -> Remedy:
    kinds = {fault.kind: fault.message for fault in seen.faults}
    for kind in ("picture-damaged", "label-damaged"):
        if kind in kinds:
            return Remedy(drop=kinds[kind])
    read: ReadIds | None = None
    if "label-lossy" in kinds:
        if dataset.num_classes != 2:
            return Remedy(drop=kinds["label-lossy"])
        read = Threshold(BRIGHT)
    elif "label-colours" in kinds:
        read = colours
    elif translation:
        read = NewIds(translation)
    elif "label-ids" in kinds:
        own = black_and_white(set(seen.stored_ids), dataset.num_classes)
        if own is None:
            return Remedy(drop=kinds["label-ids"])
        read = NewIds(own)
    elif dataset.label_ids is not None:
        read = NewIds(dataset.label_ids)
    assert seen.image
    stored, orientation = seen.image.size, seen.image.orientation
    turned = drawn_on_stored(seen)
    if "pair-size" in kinds or turned or (read and orientation > 1):
        size = seen.size or (Size(*stored[::-1]) if orientation > 4 else stored)
        read = Fitted(read or read_label, size, stored, orientation, turned)
    anew = (orientation > 1, "picture-depth" in kinds, is_misnamed(seen), family(seen) not in ("colour", "gray"))
    return Remedy(image=any(anew) or seen.image.bits > 8, read=read)


def _colours(dataset: SegmentationDataset) -> Colours:
    """One for all label maps: it keeps a large table."""
    return Colours(palette_entries(dataset.palette or default_palette(dataset.num_classes)))


def _translation(case: Case) -> Mapping[int, int] | None:
    """What stored ids mean where it is clear from all label maps together; None where they are right or unclear."""
    dataset = next(iter(case.datasets.values()))
    ids = {value for seen in case.everything for value in (seen.stored_ids or seen.pixels)}
    return black_and_white(ids, dataset.num_classes) or counted_from_one(ids, dataset.num_classes, dataset.ignore_index)


def black_and_white(ids: set[int], num_classes: int) -> Mapping[int, int] | None:
    """New ids of masks that hold 0 and one other number above 1, for two classes; None for others."""
    others = ids - {0}
    return {max(others): 1} if num_classes == 2 and 0 in ids and len(others) == 1 and max(others) > 1 else None


def counted_from_one(ids: set[int], num_classes: int, ignore_index: int) -> Mapping[int, int] | None:
    """New ids where all label maps of the data together hold 1 to ``num_classes`` and no 0; None for others."""
    classes = ids - {ignore_index}
    if not classes or min(classes) != 1 or max(classes) != num_classes:
        return None
    return {value: value - 1 for value in sorted(classes)}
