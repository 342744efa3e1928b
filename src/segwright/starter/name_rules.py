"""What names of pictures and of their label maps have in common, told from the names."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from segwright.datasets.pair_folders import NameRule
from segwright.images import IMAGE_SUFFIXES

LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".gif")
COMMON = 0.3  # share of the names that an ending must have to count; several files may belong to one picture
ENDING = re.compile(r"[_\-. ]")
MASK_ENDINGS = tuple(
    f"{sign}{word}"
    for sign in "_-."
    for word in ("mask", "masks", "label", "labels", "gt", "seg", "segmentation", "annotation", "L", "P")
)


def rules_for(images: Path, labels: Path) -> tuple[NameRule, NameRule]:
    """How to match the pictures of one folder with the label maps of another one.

    Equal names are best; then names that agree but for an ending (``a_leftImg8bit``, ``a_labelIds``), then those
    that agree but for a beginning (``img_1``, ``mask_1``). Where nothing agrees, the rules are those of equal names.
    """
    suffixes = _suffixes(labels)
    pictures, maps = _names(images, IMAGE_SUFFIXES), _names(labels, suffixes)
    endings = product(_common(pictures, _endings), _common(maps, _endings))
    beginnings = product(_common(pictures, _beginnings), _common(maps, _beginnings))
    rules = [
        *((NameRule(one), NameRule(other, suffixes)) for one, other in endings),
        *((NameRule(prefix=one), NameRule("", suffixes, other)) for one, other in beginnings),
    ]
    return max(rules, key=lambda rule: len(_without(pictures, rule[0]) & _without(maps, rule[1])))


def rules_within(folder: Path) -> tuple[NameRule, NameRule] | None:
    """How to tell pictures from label maps that lie among them; None if there are none.

    ``a.jpg`` and ``a.png`` differ in their format, ``a.jpg`` and ``a_mask.png`` in an ending.
    """
    names = _names(folder, IMAGE_SUFFIXES)
    for ending in MASK_ENDINGS:
        masks = {name.removesuffix(ending) for name in names if name.endswith(ending)}
        if masks & names:
            return NameRule(), NameRule(ending)
    photos = (".jpg", ".jpeg")
    if _names(folder, photos) & _names(folder, LOSSLESS):
        return NameRule(suffixes=photos), NameRule(suffixes=LOSSLESS)
    return None


def _suffixes(labels: Path) -> tuple[str, ...]:
    """PNG where there is any: other files beside it are for looking at."""
    for suffixes in ((".png",), LOSSLESS):
        if _names(labels, suffixes):
            return suffixes
    return IMAGE_SUFFIXES


def _names(folder: Path, suffixes: tuple[str, ...]) -> set[str]:
    """Paths below the folder, without suffix."""
    return {name.removesuffix(".") for name in NameRule(suffixes=suffixes).files(folder)}


def _without(names: Iterable[str], rule: NameRule) -> set[str]:
    places = (name.rpartition("/") for name in names)
    return {
        f"{folder}/{stem.removeprefix(rule.prefix).removesuffix(rule.postfix)}"
        for folder, _, stem in places
        if stem.startswith(rule.prefix) and stem.endswith(rule.postfix)
    }


def _endings(stem: str) -> Iterable[str]:
    return (stem[match.start() :] for match in ENDING.finditer(stem) if match.start())


def _beginnings(stem: str) -> Iterable[str]:
    return (stem[: match.end()] for match in ENDING.finditer(stem) if match.start())


def _common(names: set[str], parts_of: object) -> list[str]:
    """Nothing at all, and the endings or beginnings that many names share, the commonest first."""
    assert callable(parts_of)
    counts = Counter(part for name in names for part in parts_of(name.rpartition("/")[2]))
    return ["", *(part for part, count in counts.most_common(20) if count >= COMMON * len(names) and count > 1)]
