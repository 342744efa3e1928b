"""A configuration as YAML whose comments say why."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

Why = Mapping[tuple[str | int, ...], str]
"""Reasons, by the path of the key that they are for."""

WIDTH = 120
COLUMN = 42  # where comments begin, unless a line is longer


def commented_yaml(data: Mapping[str, Any], why: Why, head: str) -> str:
    """YAML with a comment behind each key that has a reason, all beginning in one column.

    Args:
        data: plain data; blocks are spread over lines, lists of numbers and words stay on one.
        why: reasons.
        head: text that becomes comments at the top, one for each of its lines.
    """
    lines = [wrapped for line in head.splitlines() for wrapped in _comment(line, "")]
    for key, value in data.items():
        lines.append("")
        for text, reason in _lines({key: value}, (), 0, why):
            first, *others = _comment(reason, " " * COLUMN) if reason else [""]
            lines.append(
                f"{text:{COLUMN}}{first.lstrip()}".rstrip(" ")
                if len(text) < COLUMN - 1
                else f"{text}  {first.strip()}".rstrip(" ")
            )
            lines += others
    return "\n".join(lines) + "\n"


def _lines(block: Mapping[str, Any], path: tuple[str | int, ...], depth: int, why: Why) -> Iterator[tuple[str, str]]:
    for key, value in block.items():
        here, indent = (*path, key), "  " * depth
        if isinstance(value, Mapping):
            yield f"{indent}{key}:", why.get(here, "")
            yield from _lines(value, here, depth + 1, why)
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            yield f"{indent}{key}:", why.get(here, "")
            for index, item in enumerate(value):
                inner = list(_lines(item, (*here, index), depth + 2, why))
                reason = why.get((*here, index), "")
                for number, (text, own) in enumerate(inner):
                    yield (f"{indent}  - {text.lstrip()}", reason or own) if number == 0 else (text, own)
        else:
            yield f"{indent}{key}: {_plain(value)}", why.get(here, "")


def _plain(value: Any) -> str:
    text = _on_one_line(value, allow_unicode=True)
    if len(text.splitlines()) > 1:  # it holds one of Unicode's line breaks, which YAML would fold into a space
        text = _on_one_line(value, allow_unicode=False)
    return text


def _on_one_line(value: Any, *, allow_unicode: bool) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=allow_unicode, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    ) or [f"{indent}#"]
