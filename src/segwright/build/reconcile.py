"""Facts that several blocks state: taken over where one is silent, an error where two disagree."""

import copy
from collections.abc import Iterator
from typing import Any

from segwright.config import LOSS_SECTIONS, Source
from segwright.config.signature import accepts
from segwright.errors import ConfigError
from segwright.registry import DATASETS, LOSSES, MODELS

DATASET_KEYS = ("train_dataset", "val_dataset")


def reconcile(source: Source) -> None:
    """Complete a configuration in place.

    The number of classes, the ignored label and the image's channels pass from the data sets to the model and the
    losses (and back to a data set that does not state its classes); one loss type is repeated for every factor.

    Raises:
        ConfigError: two blocks contradict each other; both places are named.
    """
    _repeat_single_loss(source.data)
    _share_num_classes(source)
    _share_ignore_index(source)
    _share_channels(source)


def num_classes_of(block: dict[str, Any] | None) -> int | None:
    """Classes of a data set's block: what it says, else what its class is known for."""
    if not block:
        return None
    if "num_classes" in block:
        return block["num_classes"]
    known = getattr(DATASETS.get(block["type"]), "num_classes", None)
    return known if isinstance(known, int) else None


def _repeat_single_loss(data: dict[str, Any]) -> None:
    for section in LOSS_SECTIONS:
        loss = data.get(section)
        if loss and len(loss["types"]) == 1:
            loss["types"] = [copy.deepcopy(loss["types"][0]) for _ in loss["coef"]]


def _blocks(source: Source) -> list[tuple[str, dict[str, Any]]]:
    return [(key, source.data[key]) for key in DATASET_KEYS if source.data.get(key)]


def losses_in(blocks: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Key path and block of every loss in a list at ``path``, those inside other losses too.

    What is no loss at all is left out here; the check of the components finds it.
    """
    for index, block in enumerate(blocks if isinstance(blocks, list) else []):
        if isinstance(block, dict) and isinstance(block.get("type"), str):
            yield (*path, index), block
            yield from losses_in(block.get("losses"), *path, index, "losses")


def _all_losses(source: Source) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    for section in LOSS_SECTIONS:
        yield from losses_in((source.data.get(section) or {}).get("types"), section, "types")


def _share_num_classes(source: Source) -> None:
    stated: dict[str, int] = {}
    for key, block in [*_blocks(source), ("model", source.data.get("model") or {})]:
        count = block.get("num_classes") if key == "model" else num_classes_of(block)
        if count is None:
            continue
        several = any(block.get("multilabel") for _, block in _blocks(source))
        if isinstance(count, int) and count < 2 - several:
            raise ConfigError(
                f"{source.where(key, 'num_classes')}: {count} class; the background counts as a class, "
                "so object and background are num_classes: 2"
            )
        stated[key] = count
    if len(set(stated.values())) > 1:
        facts = ", ".join(f"{source.where(key)} has {count}" for key, count in stated.items())
        raise ConfigError(f"num_classes differs: {facts}; make them equal")
    if not stated:
        return
    count = next(iter(stated.values()))
    for key, block in _blocks(source):
        if key not in stated and _takes(DATASETS, block, "num_classes"):
            block["num_classes"] = count
    model = source.data.get("model")
    generic = any(block.get("type") == "Dataset" for _, block in _blocks(source))
    if model and "num_classes" not in model and generic:
        model["num_classes"] = count
    for path, block in _all_losses(source):
        if block.get("num_classes", count) != count:
            raise ConfigError(
                f"{source.where(*path, 'num_classes')} is {block['num_classes']}, but "
                f"{source.where(next(iter(stated)))} has {count}; make them equal"
            )


def _share_ignore_index(source: Source) -> None:
    stated = {key: block["ignore_index"] for key, block in _blocks(source) if "ignore_index" in block}
    if len(set(stated.values())) > 1:
        facts = ", ".join(f"{source.where(key, 'ignore_index')} is {value}" for key, value in stated.items())
        raise ConfigError(f"ignore_index differs: {facts}; make them equal")
    if not stated:
        return
    wanted = next(iter(stated.values()))
    for path, block in _all_losses(source):
        if not _takes(LOSSES, block, "ignore_index"):
            continue
        if block.setdefault("ignore_index", wanted) != wanted:
            raise ConfigError(
                f"{source.where(*path, 'ignore_index')} is {block['ignore_index']}, but "
                f"{source.where(next(iter(stated)), 'ignore_index')} is {wanted}; make them equal"
            )


def _share_channels(source: Source) -> None:
    model = source.data.get("model")
    stated = {key: block["img_channels"] for key, block in _blocks(source) if "img_channels" in block}
    if len(set(stated.values())) > 1:
        facts = ", ".join(f"{source.where(key, 'img_channels')} is {value}" for key, value in stated.items())
        raise ConfigError(f"img_channels differs: {facts}; make them equal")
    if not stated or not model:
        return
    wanted = next(iter(stated.values()))
    targets: list[tuple[dict[str, Any], tuple[str, ...]]] = []
    if model.get("backbone"):
        targets.append((model["backbone"], ("model", "backbone")))
    if not targets or _takes(MODELS, model, "in_channels"):  # BiSeNetV1 sees the picture beside its backbone, too
        targets.append((model, ("model",)))
    for target, path in targets:
        if target.setdefault("in_channels", wanted) != wanted:
            raise ConfigError(
                f"{source.where(*path, 'in_channels')} is {target['in_channels']}, but "
                f"{source.where(next(iter(stated)), 'img_channels')} is {wanted}; make them equal"
            )


def _takes(registry: Any, block: dict[str, Any], name: str) -> bool:
    factory = registry.get(block.get("type"))
    return factory is not None and accepts(factory, name)
