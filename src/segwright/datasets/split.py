"""A data set in parts, for training, validation and test."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from segwright.errors import DataError


def split(
    num_pictures: int,
    ratios: Sequence[float],
    *,
    seed: int = 0,
    groups: Sequence[str] | None = None,
    classes: Sequence[Collection[int]] | None = None,
) -> list[list[int]]:
    """Divide pictures at random; equal arguments give equal parts.

    With ``classes``, each class is present in each part in proportion, as far as groups allow: iterative
    stratification (Sechidis et al., 2011, https://doi.org/10.1007/978-3-642-23808-6_10). What has the rarest class goes
    first, to the part that lacks most of it; then that of the next rarest. Without, the part that lacks most pictures
    is next.

    Args:
        num_pictures: how many there are.
        ratios: share of each part; they sum up to 1.
        seed: of the chance.
        groups: of each picture; pictures of one group stay together.
        classes: ids present in each picture.

    Returns:
        For each part, numbers of its pictures from 0, ascending.

    Raises:
        DataError: ratios make no sense, or a part that should have pictures gets none.
    """
    if min(ratios) < 0 or abs(sum(ratios) - 1) > 1e-6:
        raise DataError(f"ratios are shares from 0 on that sum up to 1, got {' '.join(f'{r:g}' for r in ratios)}")
    units = _units(num_pictures, groups, classes)
    order = np.random.default_rng(seed).permutation(len(units)).tolist()
    order.sort(key=lambda index: -units[index].size)  # what is large is placed while there is room
    parts = _Parts(ratios, units)
    for class_id in _rarest_first(units):
        for index in order:
            if units[index].part is None and units[index].counts[class_id]:
                parts.place(units[index], class_id)
    for index in order:
        if units[index].part is None:
            parts.place(units[index], None)
    result = [sorted(i for unit in units if unit.part == part for i in unit.members) for part in range(len(ratios))]
    empty = [part for part, ratio in enumerate(ratios) if ratio > 0 and not result[part]]
    if empty:
        raise DataError(
            f"{num_pictures} pictures in {len(units)} groups do not suffice for parts of "
            f"{', '.join(f'{ratio:g}' for ratio in ratios)}: part {empty[0] + 1} would be empty; choose other ratios, "
            "or smaller groups"
        )
    return result


class _Unit:
    """Pictures that stay together, how many of them have each class, and the part they went to."""

    def __init__(self, members: list[int], classes: Sequence[Collection[int]] | None) -> None:
        self.members, self.size = members, len(members)
        self.counts: Counter[int] = Counter(c for i in members for c in classes[i]) if classes else Counter()
        self.part: int | None = None


class _Parts:
    """How much each part still lacks, of pictures (None) and of each class."""

    def __init__(self, ratios: Sequence[float], units: Sequence[_Unit]) -> None:
        shares = np.array(ratios)
        totals: Counter[int | None] = Counter({None: sum(unit.size for unit in units)})
        for unit in units:
            totals.update(unit.counts)
        self.is_open = shares > 0
        self.lacks = {key: shares * total for key, total in totals.items()}

    def place(self, unit: _Unit, class_id: int | None) -> None:
        """Give a unit to the part that lacks most of the class, and among equals most pictures."""
        wanted, pictures = self.lacks[class_id].round(6), self.lacks[None].round(6)
        open_parts = np.flatnonzero(self.is_open).tolist()
        unit.part = max(open_parts, key=lambda part: (wanted[part], pictures[part]))
        self.lacks[None][unit.part] -= unit.size
        for key, count in unit.counts.items():
            self.lacks[key][unit.part] -= count


def _units(num_pictures: int, groups: Sequence[str] | None, classes: Sequence[Collection[int]] | None) -> list[_Unit]:
    members: dict[str, list[int]] = defaultdict(list)
    for index in range(num_pictures):
        members[groups[index] if groups else str(index)].append(index)
    return [_Unit(found, classes) for found in members.values()]


def _rarest_first(units: Sequence[_Unit]) -> list[int]:
    totals: Counter[int] = Counter()
    for unit in units:
        totals.update(unit.counts)
    return sorted(totals, key=lambda class_id: (totals[class_id], class_id))
