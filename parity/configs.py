"""What becomes of configuration files."""

import copy
import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from parity.comparison import Comparison, Difference, missing_types
from segwright import load_config
from segwright.config import read_source
from segwright.registry import BACKBONES, DATASETS, LOSSES, MODELS, OPTIMIZERS, SCHEDULERS, TRANSFORMS

KNOWN = (BACKBONES, DATASETS, LOSSES, MODELS, OPTIMIZERS, SCHEDULERS, TRANSFORMS)
OURS = Path(__file__).parents[1] / "configs"


def cases(folder: Path) -> list[Comparison]:
    """Every recorded file; one that names a type that is not here yet is merged, but not completed."""
    comparisons = []
    for path in sorted(folder.glob("*.json")):
        case = json.loads(path.read_text())
        left_out = missing_types(case["merged_yaml"], *KNOWN)
        ours = next(OURS.rglob(Path(case["config"]).name), None)
        comparisons.append(Comparison(path.stem, partial(_compare, case, ours, complete=not left_out), left_out))
    return comparisons


def _compare(case: dict[str, Any], ours: Path | None, *, complete: bool) -> list[Difference]:
    with tempfile.TemporaryDirectory() as folder:
        for link in case["chain"]:
            file = Path(folder) / link["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(yaml.safe_dump(link["dict"], sort_keys=False))
        file = Path(folder) / case["config"]
        differences = [_difference("entries after merging", read_source(file).data, case["merged_yaml"])]
        if complete:
            differences.append(_difference("entries after completion", load_config(file).to_dict(), case["config_dic"]))
        if complete and "overrides" in case:
            overrides = case["overrides"]
            found = load_config(file, **overrides["kwargs"]).to_dict()
            differences.append(_difference("entries after overrides", found, overrides["config_dic"]))
    if ours:
        found, wanted = _spelled(load_config(ours).to_dict()), _spelled(case["merged_yaml"])
        differences.append(_difference("entries of our file of that name", found, wanted))
    return differences


def _spelled(config: dict[str, Any]) -> dict[str, Any]:
    """Without what one file states and the other leaves to its default or to the data set."""
    config = copy.deepcopy(config)
    config["model"].pop("num_classes", None)
    for name, default in (("align_corners", False), ("pretrained", None)):
        if config["model"].get(name, default) == default:
            config["model"].pop(name, None)
    if len(config["loss"]["types"]) == 1:
        config["loss"]["types"] *= len(config["loss"]["coef"])
    return config


def _difference(kind: str, found: Any, wanted: Any) -> Difference:
    """How many entries differ: there is nothing between right and wrong."""
    found, wanted = dict(_entries(found)), dict(_entries(wanted))
    keys = found.keys() | wanted.keys()
    wrong = sum(key not in found or key not in wanted or found[key] != wanted[key] for key in keys)
    return Difference(kind, wrong, 0)


def _entries(value: Any, *path: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value in nested mappings and lists, with its place; of an empty one, itself."""
    if isinstance(value, (dict, list)) and value:
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _entries(entry, *path, key)
    else:
        yield path, value
