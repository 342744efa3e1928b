"""What would make a pair usable, decided from what was seen of it."""

from collections.abc import Mapping

from segwright.convert import Colours, NewIds, Threshold, palette_entries
from segwright.datasets import SegmentationDataset
from segwright.doctor.case import TRAIN, Case
from segwright.doctor.checks.copies import same_pictures
from segwright.doctor.checks.misplaced import turn_of
from segwright.doctor.checks.pictures import family, is_misnamed
from segwright.doctor.observation import Observation
from segwright.doctor.treatment import Fitted, ReadIds, Remedy
from segwright.images import default_palette, read_label
from segwright.types import Size

BRIGHT = 128  # brightness from which a mask in black and white shows the object


def remedies(case: Case) -> dict[str, list[Remedy]]:
    """A remedy for each pair that was seen, by section."""
    dropped = _needless(case)
    meaning = {section: _translation(case, section) for section in case.seen}
    colours = {section: _colours(dataset) for section, dataset in case.datasets.items()}
    return {
        section: [
            Remedy(drop=dropped[id(seen)])
            if id(seen) in dropped
            else _remedy(seen, case.datasets[section], meaning[section], colours[section])
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
        own = clear_meaning(set(seen.stored_ids), dataset.num_classes, dataset.ignore_index)
        if own is None:
            return Remedy(drop=kinds["label-ids"])
        read = NewIds(own)
    elif dataset.label_ids is not None:
        read = NewIds(dataset.label_ids)
    assert seen.image
    stored, orientation = seen.image.size, seen.image.orientation
    drawn_on_stored = orientation in (2, 3, 4) and turn_of(seen) is not None
    if "pair-size" in kinds or drawn_on_stored or (read and orientation > 1):
        size = seen.size or (Size(*stored[::-1]) if orientation > 4 else stored)
        read = Fitted(read or read_label, size, stored, orientation, drawn_on_stored)
    anew = (orientation > 1, "picture-depth" in kinds, is_misnamed(seen), family(seen) not in ("colour", "gray"))
    return Remedy(image=any(anew) or seen.image.bits > 8, read=read)


def _colours(dataset: SegmentationDataset) -> Colours:
    """One for all label maps: it keeps a large table."""
    return Colours(palette_entries(dataset.palette or default_palette(dataset.num_classes)))


def _translation(case: Case, section: str) -> Mapping[int, int] | None:
    """What stored ids mean where it is clear, for all label maps of a section; None where they are right or unclear."""
    dataset = case.datasets[section]
    pairs = case.seen[section]
    ids = {value for seen in pairs for value in (seen.stored_ids or seen.pixels)}
    return clear_meaning(ids, dataset.num_classes, dataset.ignore_index)


def clear_meaning(ids: set[int], num_classes: int, ignore_index: int) -> Mapping[int, int] | None:
    """New ids by old ones: of black and white masks, and of ids that start at 1.

    Args:
        ids: all numbers in the label maps.
        num_classes: classes that are wanted.
        ignore_index: what does not count.
    """
    others = sorted(ids - {0})
    if num_classes == 2 and len(others) == 1 and others[0] > 1 and 0 in ids:
        return {others[0]: 1}
    classes = sorted(ids - {ignore_index})
    if 0 not in ids and classes and classes[0] == 1 and classes[-1] == num_classes:
        return {value: value - 1 for value in classes}
    return None
