"""Where two nested settings differ, leaf by leaf, with the places spelled as people write them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Difference:
    """One place where runs A and B differ.

    Attributes:
        group: the section, such as ``train_dataset``.
        key: the place in it, such as ``transforms.RandomPaddingCrop.crop_size``.
        a: A's value; None where it has none.
        b: B's value.
        only: "A" or "B" if the other has no such place.
        default: "A", "B" or "" for whose value was not written down but is a default.
    """

    group: str
    key: str
    a: Any
    b: Any
    only: str = ""
    default: str = ""


class _Node(NamedTuple):
    """A value, and what was written down for it: itself, or None where it is a default."""

    value: Any
    given: Any

    def child(self, key: str) -> "_Node | None":
        """What a mapping has under ``key``; None if it has nothing there."""
        if key not in self.value:
            return None
        return _Node(self.value[key], self.given.get(key) if isinstance(self.given, Mapping) else None)

    def items(self) -> "list[_Node]":
        """The entries of a list."""
        given = self.given if isinstance(self.given, list) else []
        return [_Node(value, written) for value, written in zip_longest(self.value, given[: len(self.value)])]


def differences(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    given_a: Mapping[str, Any] | None = None,
    given_b: Mapping[str, Any] | None = None,
) -> list[Difference]:
    """The leaves that differ, in A's order, then B's.

    Lists of components, mappings with a "type", are aligned by their types first, so that one transform more is one
    difference and not many.

    Args:
        a: settings with their defaults.
        b: the same of the other.
        given_a: settings as they were written down; what is missing in them is marked as a default. None marks nothing.
        given_b: the same of the other.
    """
    roots = _Node(dict(a), a if given_a is None else given_a), _Node(dict(b), b if given_b is None else given_b)
    found = []
    for key in _keys(a, b):
        one, other = (root.child(key) for root in roots)
        for place, left, right in _walk(key, one, other):
            found.append(_difference(place, left, right))
    return found


Leaf = tuple[str, _Node | None, _Node | None]


def _walk(place: str, a: _Node | None, b: _Node | None) -> Iterator[Leaf]:
    if a is None or b is None:
        yield place, a, b
    elif a.value == b.value:
        return
    elif _is_mapping(a, b) and a.value.get("type") == b.value.get("type"):
        for key in _keys(a.value, b.value):
            yield from _walk(f"{place}.{key}", a.child(key), b.child(key))
    elif _is_components(a.value) and _is_components(b.value):
        yield from _walk_components(place, a.items(), b.items())
    else:
        yield place, a, b


def _walk_components(place: str, a: list[_Node], b: list[_Node]) -> Iterator[Leaf]:
    if len(a) == len(b) > 1 and _all_equal(a) and _all_equal(b):
        yield from _walk(f"{place}[0-{len(a) - 1}]", a[0], b[0])
        return
    types_a, types_b = ([node.value["type"] for node in nodes] for nodes in (a, b))
    matcher = SequenceMatcher(None, types_a, types_b, autojunk=False)
    for kind, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        if kind == "equal" or end_a - start_a == end_b - start_b:
            for i, j in zip(range(start_a, end_a), range(start_b, end_b), strict=True):
                is_named = kind == "equal" and types_a.count(types_a[i]) == types_b.count(types_b[j]) == 1
                yield from _walk(f"{place}.{types_a[i]}" if is_named else f"{place}[{i}]", a[i], b[j])
            continue
        for i in range(start_a, end_a):
            yield f"{place}[{i}]", a[i], None
        for j in range(start_b, end_b):
            yield f"{place}[{j}]", None, b[j]


def _difference(place: str, a: _Node | None, b: _Node | None) -> Difference:
    group, dot, key = place.partition(".")
    return Difference(
        group=group if dot else "",
        key=key or group,
        a=_shown(a),
        b=_shown(b),
        only="B" if a is None else "A" if b is None else "",
        default="".join(name for name, node in (("A", a), ("B", b)) if node and _is_default(node)),
    )


def _shown(node: _Node | None) -> Any:
    """A component without its defaults, for beside another component they say nothing; anything else as it is."""
    if node is None:
        return None
    is_component = isinstance(node.value, Mapping) and "type" in node.value
    return node.given if is_component and node.given is not None else node.value


def _is_default(node: _Node) -> bool:
    return node.given is None and node.value is not None


def _is_mapping(a: _Node, b: _Node) -> bool:
    return isinstance(a.value, Mapping) and isinstance(b.value, Mapping)


def _is_components(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) and "type" in item for item in value)


def _all_equal(nodes: list[_Node]) -> bool:
    return all(node.value == nodes[0].value for node in nodes)


def _keys(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return [*a, *(key for key in b if key not in a)]
