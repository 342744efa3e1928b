"""Pictures that occur more than once: in one part of the data, or in both."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from segwright.datasets.near_duplicates import hash_table, near_pairs
from segwright.doctor.case import TRAIN, VAL, Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.observation import Observation
from segwright.doctor.registry import check
from segwright.doctor.words import count, images, shown


@check(brief=False)
def within(case: Case) -> Iterator[Finding]:
    """The same picture several times in one part of the data, with one label map or with several."""
    for section, pairs in case.seen.items():
        groups = same_pictures(pairs)
        copies = [group for group in groups if len({seen.label_digest for seen in group}) == 1]
        at_odds = [group for group in groups if len({seen.label_digest for seen in group}) > 1]
        if copies:
            extra = [seen for group in copies for seen in group[1:]]
            yield Finding(
                kind="picture-copies",
                level=Level.WARNING,
                title=f"{count(len(extra), 'needless copy', 'needless copies')} in {section}",
                measured=f"equal to the last byte: {copies[0][0].pair.image} and {copies[0][1].pair.image}",
                suggestion="They count twice in training and in scores. --fix DIR keeps one of each.",
                files=images(seen for group in copies for seen in group),
                shown=shown(copies[0]),
            )
        if at_odds:
            yield Finding(
                kind="label-conflict",
                level=Level.ERROR,
                title=f"{count(len(at_odds), 'picture')} of {section} with several label maps that differ",
                measured=f"{at_odds[0][0].pair.image} and {at_odds[0][1].pair.image} are equal to the last byte, "
                f"their label maps {at_odds[0][0].pair.label} and {at_odds[0][1].pair.label} are not",
                suggestion="One of them is wrong, or belongs to another picture: look at both, and take one out.",
                files=tuple(name for group in at_odds for seen in group for name in seen.names),
                shown=shown(at_odds[0]),
            )


@check(brief=False)
def leaks(case: Case) -> Iterator[Finding]:
    """Pictures of the validation data that are trained on, as they are or hardly changed."""
    train, val = (case.seen.get(section, []) for section in (TRAIN, VAL))
    trained = {seen.digest: seen for seen in train if seen.digest}
    same = [seen for seen in val if seen.digest in trained]
    if same:
        yield Finding(
            kind="leak",
            level=Level.ERROR,
            title=f"{count(len(same), 'picture')} of {len(val)} in val_dataset also trained on",
            measured=f"{same[0].pair.image} is equal to {trained[same[0].digest].pair.image}: scores on them say "
            "nothing about new pictures",
            suggestion="Take them out of one of the lists. --fix DIR takes them out of the one for training.",
            files=images(same),
            shown=shown(same),
        )
    leaked = {seen.index for seen in same}
    first, second = ([seen for seen in pairs if seen.looks is not None] for pairs in (train, val))
    near = [pair for pair in near_pairs(_hashes(first), _hashes(second)) if second[pair.second].index not in leaked]
    if near:
        alike = list(dict.fromkeys(pair.second for pair in near))
        one, other = first[near[0].first], second[near[0].second]
        yield Finding(
            kind="leak-alike",
            level=Level.WARNING,
            title=f"{count(len(alike), 'picture')} of {len(val)} in val_dataset much like some that are trained on",
            measured=f"{other.pair.image} and {one.pair.image} differ in {near[0].distance} of 256 frequencies: a copy "
            "that was edited, or neighbouring frames of a video",
            suggestion="Divide the data again with such pictures on one side; scores are too good otherwise.",
            snippet="segwright data split LIST --group_by prefix",
            files=images(second[place] for place in alike),
            shown=(other, one),
        )


def same_pictures(pairs: Sequence[Observation]) -> list[list[Observation]]:
    """Groups of two or more that are equal to the last byte."""
    groups: dict[str, list[Observation]] = defaultdict(list)
    for seen in pairs:
        if seen.digest:
            groups[seen.digest].append(seen)
    return [group for group in groups.values() if len(group) > 1]


def _hashes(pairs: Sequence[Observation]) -> np.ndarray:
    return hash_table([seen.looks for seen in pairs if seen.looks is not None])
