"""Training and validation pictures, where nobody has divided them; and pictures that are in both."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwright.datasets import Pair
from segwright.datasets.groups import groups_by_prefix
from segwright.datasets.near_duplicates import hash_table, near_pairs, near_pairs_within, picture_hash
from segwright.datasets.split import split
from segwright.datasets.survey import spread
from segwright.doctor.words import count
from segwright.errors import DataError
from segwright.pipeline import in_order, threads
from segwright.starter.found import WHOLE, Found
from segwright.starter.label_values import LabelValues

FEWEST = 4  # pairs
VAL_SHARE = 0.2
LARGEST_VAL = 0.5  # share that groups may make of it
FRAMES = 3  # pictures a group, on average, from which on names look like those of videos
HASHED = 2000  # pictures at most that are compared
SECONDS = 15.0


@dataclass(frozen=True)
class Division:
    """What to train on and what to judge by.

    Attributes:
        train: pairs.
        val: pairs.
        why: how they were divided.
        caution: what is doubtful about it; empty for nothing.
        is_new: whether it was made here, so that lists have to be written.
    """

    train: Sequence[Pair]
    val: Sequence[Pair]
    why: str
    caution: str = ""
    is_new: bool = True


def divide(found: Found, values: LabelValues, *, seed: int, num_threads: int) -> Division:
    """Take the parts that are there, or make them.

    Frames of one video, told from their names, and pictures that look alike stay on one side; classes are in both
    parts in proportion where all label maps were read.

    Raises:
        DataError: there are too few pairs.
    """
    if len(found.pairs) < FEWEST:
        raise DataError(
            f"{found.root}: {count(len(found.pairs), 'labelled picture')} ({found.how}), and at least "
            f"{FEWEST} are needed, to learn from and to judge by; twenty are a sensible start. Label more"
        )
    if found.parts.get("train") and found.parts.get("val"):
        train, val = found.parts["train"], found.parts["val"]
        return Division(train, val, "divided as they are there", _shared(train, val, num_threads), is_new=False)
    whole = list(found.parts.get(WHOLE) or found.parts.get("train") or found.pairs)
    hashes = _hashes([pair.image for pair in whole], num_threads)
    names = groups_by_prefix([pair.image for pair in whole])
    num_clips = len(set(names))
    frames = names if 1 < num_clips <= len(whole) / FRAMES else [str(index) for index in range(len(whole))]
    groups = _joined(frames, hashes)
    classes = [values.sets[pair.label] for pair in whole if pair.label] if values.is_complete else None
    said = f"{len(set(groups))} groups of frames or look-alikes stay together" if len(set(groups)) < len(whole) else ""
    try:
        parts = split(len(whole), (1 - VAL_SHARE, VAL_SHARE), seed=seed, groups=groups, classes=classes)
    except DataError:
        parts = []
    caution = ""
    if not parts or len(parts[1]) > LARGEST_VAL * len(whole):
        parts = split(len(whole), (1 - VAL_SHARE, VAL_SHARE), seed=seed, classes=classes)
        said = ""
        caution = (
            "Nearly all pictures look alike or come from one video, so that they were divided one by one: scores on "
            "neighbouring frames flatter. Judge by pictures of another scene if you have some."
        )
    train, val = ([whole[index] for index in part] for part in parts)
    why = f"there is no validation list: {VAL_SHARE:.0%} drawn with seed {seed}" + (f"; {said}" if said else "")
    return Division(train, val, why, caution)


def _hashes(images: Sequence[Path], num_threads: int) -> dict[int, np.ndarray]:
    """By place, perceptual hashes of pictures, as many as there is time for."""
    places = list(spread(len(images), HASHED))
    found: dict[int, np.ndarray] = {}
    end = time.monotonic() + SECONDS
    with threads(num_threads, "hash") as pool:
        results = in_order(pool, lambda place: picture_hash(images[place]), places, depth=32)
        for place, value in zip(places, results, strict=True):
            found[place] = value
            if time.monotonic() > end:
                break
    return found


def _joined(groups: Sequence[str], hashes: dict[int, np.ndarray]) -> list[str]:
    """Groups, those with pictures that look alike made one."""
    places = list(hashes)
    leader = {group: group for group in groups}

    def find(group: str) -> str:
        while leader[group] != group:
            leader[group] = group = leader[leader[group]]
        return group

    for pair in near_pairs_within(hash_table(list(hashes.values()))):
        leader[find(groups[places[pair.second]])] = find(groups[places[pair.first]])
    return [find(group) for group in groups]


def _shared(train: Sequence[Pair], val: Sequence[Pair], num_threads: int) -> str:
    """A sentence if validation pictures look like training pictures."""
    one, other = (_hashes([pair.image for pair in pairs], num_threads) for pairs in (train, val))
    near = near_pairs(hash_table(list(other.values())), hash_table(list(one.values())))
    alike = {pair.first for pair in near}
    if not alike:
        return ""
    first = near[0]
    return (
        f"{len(alike)} of {len(other)} validation pictures look like training pictures, first "
        f"{val[list(other)[first.first]].image} and {train[list(one)[first.second]].image}: scores on them flatter "
        "(segwright data leaks lists them)."
    )
