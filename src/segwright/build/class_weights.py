"""``weight: auto`` and ``weight: median``: words for class weights that are counted in the training data."""

import copy
import logging
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

from segwright.build.reconcile import losses_in
from segwright.config import LOSS_SECTIONS, Config, Source
from segwright.datasets import ClassBalance, SegmentationDataset, count_classes
from segwright.errors import ConfigError, suggest
from segwright.registry import LOSSES

log = logging.getLogger("segwright")

WORDS: dict[str, Callable[[ClassBalance], list[float]]] = {
    "auto": ClassBalance.logarithmic_weights,
    "median": ClassBalance.median_weights,
}
Path = tuple[str | int, ...]


def losses_to_check(source: Source, section: str) -> list[dict[str, Any]]:
    """Copies of a section's losses that can be built before there are data: words for class weights are left out.

    Raises:
        ConfigError: a word is none of those.
    """
    blocks = copy.deepcopy((source.data.get(section) or {}).get("types", []))
    for path, block in _wordy(blocks, section, "types"):
        if block["weight"] not in WORDS:
            raise ConfigError(
                f"{source.where(*path, 'weight')}: got {block['weight']!r}; want a list with a factor for each class, "
                f"or a word for factors that are counted in the training data; {suggest(block['weight'], WORDS)}"
            )
        del block["weight"]
    return blocks


def fill_class_weights(config: Config, dataset: SegmentationDataset) -> None:
    """Put numbers in the place of words for class weights, in the configuration itself, and log them.

    Nothing is counted where no loss asks for it.

    Args:
        config: as ``load_config`` returns it; is changed.
        dataset: the training data; all of its label maps are read.

    Raises:
        DataError: see ``count_classes``.
    """
    data = config.source.data
    wordy = [
        found for section in LOSS_SECTIONS for found in _wordy((data.get(section) or {}).get("types"), section, "types")
    ]
    if not wordy:
        return
    balance = count_classes(dataset)
    told: set[str] = set()
    for path, block in wordy:
        word = block["weight"]
        block["weight"] = WORDS[word](balance)
        if word not in told:  # a single loss stands here once for every output of the model
            told.add(word)
            log.info(
                "%s: %s, counted in %d label maps; to count no more, write weight: %s",
                config.source.where(*path, "weight"),
                word,
                len(dataset),
                block["weight"],
            )
    if balance.absent:
        names = [str(value) if dataset.class_names is None else dataset.class_names[value] for value in balance.absent]
        log.warning("no label map for training holds %s: class weights of 1", ", ".join(names))


def _wordy(blocks: Any, *path: str | int) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Key path and block of each loss that has text where factors for the classes are wanted."""
    for place, block in losses_in(blocks, *path):
        if isinstance(block.get("weight"), str) and _takes_class_weights(block["type"]):
            yield place, block


def _takes_class_weights(name: str) -> bool:
    """Whether this loss's ``weight`` is a factor for each class, as its signature says."""
    return name in LOSSES and get_type_hints(LOSSES[name].__init__).get("weight") == list[float] | None
