"""Reads YAML files with their bases, and remembers which line every value came from."""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from segwright.errors import ConfigError

KeyPath = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which also takes ``4e-5`` for a number (YAML 1.1 wants ``4.0e-5``)."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def spell(path: KeyPath) -> str:
    """``("train_dataset", "transforms", 2, "type")`` as ``train_dataset.transforms[2].type``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@dataclass
class Source:
    """Merged values, and for each key path the place that set it, as ``file.yml:12``."""

    data: dict[str, Any]
    places: dict[KeyPath, str] = field(default_factory=dict)
    name: str = "config"

    def where(self, *path: str | int) -> str:
        """``file.yml:12: train_dataset.transforms[2]`` for messages; the nearest known place for a missing key."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                place = self.places[path[:end]]
                break
        else:
            place = self.name
        return f"{place}: {spell(path)}" if path else place


def read_source(path: Path) -> Source:
    """Read a YAML file and the files named by ``_base_``.

    ``_base_`` is a path or a list of paths, relative to the file that names it. Dictionaries merge, everything
    else is replaced; ``_inherited_: False`` in a dictionary drops what the bases say about it. The file wins over
    its bases, and of several bases the one named first, as in PaddleSeg.

    Raises:
        ConfigError: a file is missing or not YAML, bases form a circle, or a value changes its kind on the way.
    """
    return _read(path, chain=())


def _read(path: Path, chain: tuple[Path, ...]) -> Source:
    resolved = path.resolve()
    if resolved in chain:
        circle = " -> ".join(p.name for p in (*chain[chain.index(resolved) :], resolved))
        raise ConfigError(f"{path}: _base_ files form a circle: {circle}; remove one of these links")
    own = _parse(path)
    bases = own.data.pop("_base_", [])
    merged = Source({}, {}, name=str(path))
    layers = [own, *(_read(base, (*chain, resolved)) for base in _base_paths(bases, own, path.parent))]
    for layer in reversed(layers):
        _merge(merged, layer, ())
    merged.places[()] = str(path)
    return merged


def _base_paths(bases: Any, source: Source, folder: Path) -> Iterator[Path]:
    for base in bases if isinstance(bases, list) else [bases]:
        if not isinstance(base, str):
            raise ConfigError(f"{source.where('_base_')}: want a path or a list of paths, got {base!r}")
        path = folder / Path(base).expanduser()
        if not path.is_file():
            raise ConfigError(f"{source.where('_base_')}: there is no file {path}")
        yield path


def _parse(path: Path) -> Source:
    if not path.is_file():
        raise ConfigError(f"there is no configuration file {path}{_nearest_file(path)}")
    try:
        loader = _Loader(path.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{line}: not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML text file: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: want a mapping of keys to values, got {type(data).__name__}")
    places: dict[KeyPath, str] = {}
    if node is not None:
        _note_places(node, (), str(path), places)
    return Source(data, places, name=str(path))


def _nearest_file(path: Path) -> str:
    from segwright.errors import suggest

    names = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    return f" ({suggest(path.name, names)})" if names else ""


def _note_places(node: yaml.Node, path: KeyPath, file: str, places: dict[KeyPath, str]) -> None:
    places[path] = f"{file}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.MappingNode):
        seen: dict[Hashable, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen and name != "<<":
                raise ConfigError(
                    f"{file}:{line}: {spell((*path, name))} is given twice, first in line {seen[name]}; keep one"
                )
            seen[name] = line
            here = (*path, name)
            _note_places(value, here, file, places)
            places[here] = f"{file}:{line}"
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_places(value, (*path, index), file, places)


def _kind(value: object) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a single value"


def _merge(base: Source, child: Source, path: KeyPath) -> None:
    """Lay ``child``'s dictionary at ``path`` over ``base``'s, in place."""
    under, over = _at(base.data, path), _at(child.data, path)
    for key, value in over.items():
        if key == "_inherited_":
            continue
        here = (*path, key)
        old = under.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and value.get("_inherited_", True):
            _merge(base, child, here)
        else:
            if isinstance(old, dict | list) and value is not None and _kind(old) != _kind(value):
                raise ConfigError(
                    f"{child.where(*here)} is {_kind(value)}, but {base.where(*here)} in a base file is {_kind(old)}"
                )
            under[key] = _without_markers(value)
            for known in [place for place in base.places if place[: len(here)] == here]:
                del base.places[known]
        for known, place in child.places.items():
            if known[: len(here)] == here:
                base.places[known] = place


def _at(data: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    for part in path:
        data = data[part]  # type: ignore[index]
    return data


def _without_markers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_markers(item) for key, item in value.items() if key != "_inherited_"}
    if isinstance(value, list):
        return [_without_markers(item) for item in value]
    return value
