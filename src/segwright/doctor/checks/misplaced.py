"""Label maps that do not lie on their pictures: moved, mirrored, or upside down."""

from collections.abc import Iterator, Sequence

import numpy as np

from segwright.doctor.alignment import LEAST_SHIFT, Evidence, evidence, in_the_middle
from segwright.doctor.case import Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.observation import Observation
from segwright.doctor.registry import check
from segwright.doctor.words import count, labels, shown

SURE = 3.5  # standard deviations of the best place above the mean of all
LEAD = 2.0  # of these, from the place where it is
GAIN = 1.25  # gradient across the borders there, to that across the borders as they are
TURN_GAIN = 1.2  # likewise, mirrored
CHANCE = 0.7  # gradient that borders which do not fit may well have; half of a picture's mean on average
ENOUGH = 8  # pictures that what they have in common is told from
DRAWN_ON_STORED = (
    "The pictures are turned upright as their EXIF orientation asks, and the label maps were drawn on the pixels as "
    "stored. --fix DIR turns the label maps and saves the pictures upright."
)
TURN_BY_ORIENTATION = {2: 0, 4: 1, 3: 2}
"""Place in ``TURNS`` by EXIF orientation; others swap width and height, which shows in the sizes."""
TURNS = ("mirrored left to right", "mirrored top to bottom", "turned by 180 degrees")


@check(brief=False)
def moved(case: Case) -> Iterator[Finding]:
    """Label maps that would fit better elsewhere."""
    for section, pairs in case.seen.items():
        found = [(seen, where) for seen in pairs if (where := _shift(seen))]
        if not found:
            continue
        first, where = found[0]
        yield Finding(
            kind="label-shifted",
            level=Level.WARNING,
            title=f"{count(len(found), 'label map')} of {section} probably moved against the picture",
            measured=f"the borders in {first.pair.label} would lie best on the picture's edges {_say(where)}: "
            f"{where.best:.1f} standard deviations above other places, {where.here:.1f} as it is",
            suggestion="Look at these pairs. Crops, padding and exports with an offset do that; export them again.",
            files=labels(seen for seen, _ in found),
            shown=shown([seen for seen, _ in found]),
        )


@check(brief=False)
def moved_together(case: Case) -> Iterator[Finding]:
    """A small shift that all label maps have in common, which none shows alone."""
    for section, pairs in case.seen.items():
        fitting = [seen.alignment for seen in pairs if seen.alignment]
        if len(fitting) < ENOUGH:
            continue
        scale = float(np.median([one.scale for one in fitting]))
        where = evidence(np.mean([one.places for one in fitting], axis=0), scale)
        alone = sum(_shift(seen) is not None for seen in pairs)
        if not _is_elsewhere(where, scale) or alone > len(fitting) // 2:
            continue
        yield Finding(
            kind="label-shifted",
            level=Level.WARNING,
            title=f"The label maps of {section} are moved against their pictures",
            measured=f"over {len(fitting)} pairs, borders would lie best on the pictures' edges {_say(where)}: "
            f"{where.best:.1f} standard deviations above other places, {where.here:.1f} as they are",
            suggestion="A common shift comes from an export with an offset, or from resizing: export them again.",
            files=labels(pairs),
            shown=shown(pairs),
        )


@check(brief=False)
def turned(case: Case) -> Iterator[Finding]:
    """Label maps that fit when they are mirrored or turned."""
    for section, pairs in case.seen.items():
        found = [(seen, turn) for seen in pairs if (turn := turn_of(seen)) is not None]
        by_camera = [(seen, turn) for seen, turn in found if drawn_on_stored(seen)]
        others = [(seen, turn) for seen, turn in found if not drawn_on_stored(seen)]
        if by_camera:
            yield _turned(section, by_camera, DRAWN_ON_STORED)
        if others:
            yield _turned(section, others, "Look at these pairs, and export the label maps again.")


def _turned(section: str, found: Sequence[tuple[Observation, int]], suggestion: str) -> Finding:
    first, turn = found[0]
    assert first.alignment
    gain = in_the_middle(first.alignment.turned[turn]) / in_the_middle(first.alignment.places)
    return Finding(
        kind="label-turned",
        level=Level.WARNING,
        title=f"{count(len(found), 'label map')} of {section} probably mirrored or upside down",
        measured=f"{first.pair.label} fits its picture better {TURNS[turn]}: across its borders the picture changes "
        f"{gain:.1f} times as much",
        suggestion=suggestion,
        files=labels(seen for seen, _ in found),
        shown=shown([seen for seen, _ in found]),
    )


@check(brief=False)
def turned_together(case: Case) -> Iterator[Finding]:
    """All label maps mirrored or turned alike, which few show alone: where a road runs through the middle, say."""
    for section, pairs in case.seen.items():
        fitting = [seen.alignment for seen in pairs if seen.alignment]
        unsure = [one for one in fitting if one.turned]
        alone = sum(turn_of(seen) is not None for seen in pairs)
        if len(unsure) < max(ENOUGH, len(fitting) / 2) or alone > len(fitting) // 2:
            continue
        places = np.mean([one.places for one in unsure], axis=0)
        turned = tuple(np.mean([one.turned[turn] for one in unsure], axis=0) for turn in range(len(TURNS)))
        turn = _best_turn(places, turned)
        if turn is None:
            continue
        gain = in_the_middle(turned[turn]) / in_the_middle(places)
        yield Finding(
            kind="label-turned",
            level=Level.WARNING,
            title=f"The label maps of {section} are {TURNS[turn]}",
            measured=f"over {len(unsure)} pairs they fit their pictures better {TURNS[turn]}: across their borders the "
            f"pictures change {gain:.1f} times as much",
            suggestion="A mirror or turn that all have in common comes from an export or a script: export them again.",
            files=labels(pairs),
            shown=shown(pairs),
        )


def turn_of(seen: Observation) -> int | None:
    """Which of ``TURNS`` makes the label map fit; None if it fits best as it is, or nothing is sure."""
    if seen.alignment is None or not seen.alignment.turned:
        return None
    return _best_turn(seen.alignment.places, seen.alignment.turned)


def _best_turn(places: np.ndarray, turned: Sequence[np.ndarray]) -> int | None:
    best = max(range(len(turned)), key=lambda turn: in_the_middle(turned[turn]))
    gain = in_the_middle(turned[best]) > TURN_GAIN * max(in_the_middle(places), CHANCE)
    where = evidence(turned[best], 1.0)
    peak = where.here > SURE - 0.5 and max(abs(where.right), abs(where.down)) <= 1
    return best if gain and peak else None


def drawn_on_stored(seen: Observation) -> bool:
    """Whether the label map fits when it is turned as the EXIF orientation turns the picture, whose size stays."""
    turn = turn_of(seen)
    return turn is not None and seen.image is not None and turn == TURN_BY_ORIENTATION.get(seen.image.orientation)


def _shift(seen: Observation) -> Evidence | None:
    if seen.alignment is None or turn_of(seen) is not None:
        return None
    where = seen.alignment.evidence()
    gain = float(seen.alignment.places.max()) > GAIN * max(in_the_middle(seen.alignment.places), CHANCE)
    return where if gain and _is_elsewhere(where, seen.alignment.scale) and _is_single(seen.alignment.places) else None


def _is_elsewhere(where: Evidence, scale: float) -> bool:
    far = max(abs(where.right), abs(where.down)) >= LEAST_SHIFT * scale
    return far and where.best > SURE and where.best - where.here > LEAD


def _is_single(places: np.ndarray) -> bool:
    """Whether the best place is one, and not one of several: repeated structures fit at each repetition."""
    row, column = (int(place) for place in np.unravel_index(int(places.argmax()), places.shape))
    rows, columns = np.indices(places.shape)
    far = (abs(rows - row) > 2 * LEAST_SHIFT) | (abs(columns - column) > 2 * LEAST_SHIFT)
    return float(places[far].max()) < 0.85 * float(places.max())


def _say(where: Evidence) -> str:
    """``12 pixels further right and 3 further up``."""
    sides: Sequence[tuple[int, str, str]] = ((where.right, "right", "left"), (where.down, "down", "up"))
    parts = [f"{abs(value)} pixels further {more if value > 0 else less}" for value, more, less in sides if value]
    return " and ".join(parts)
