"""Writes the two pages that are read off the code: commands with their flags, components with their keys.

python docs/make_reference.py
"""

import argparse
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from segwright.cli.main import build_parser, shows_default
from segwright.registry import BACKBONES, DATASETS, LOSSES, MODELS, OPTIMIZERS, SCHEDULERS, TRANSFORMS, Registry

DOCS = Path(__file__).parent
HERE = " (%(default)s here)"  # ends the help of flags whose default is another on each machine

COMMANDS_HEAD = """# Every command

Written by `python docs/make_reference.py` from the commands' own parsers, which is what `--help` prints; a test keeps
the page equal to them. Flags may be written with underscores or dashes. A switch is on when it is given alone, and
takes `True` or `False` as well.
"""
COMPONENTS_HEAD = """# Every component of a configuration

Written by `python docs/make_reference.py` from the classes' own signatures, which a configuration is checked against,
and their docstrings; a test keeps the page equal to them. [configs.md](configs.md) tells how the blocks fit together. A
key without a default has to be given, unless the block around it supplies it.
"""
SECTIONS: dict[str, tuple[Registry, str, tuple[str, ...]]] = {
    "Models": (MODELS, "`model`", ()),
    "Backbones": (BACKBONES, "`model.backbone`", ()),
    "Losses": (LOSSES, "`loss.types`", ()),
    "Data sets": (DATASETS, "`train_dataset` and `val_dataset`", ()),
    "Transforms": (TRANSFORMS, "`transforms`", ()),
    "Optimisers": (OPTIMIZERS, "`optimizer`", ("model", "lr")),
    "Learning rate schedules": (SCHEDULERS, "`lr_scheduler`", ("optimizer",)),
}
"""Heading -> where the types are registered, the section they stand in, and what no configuration states."""


def commands_page() -> str:
    """``docs/commands.md``."""
    parts = [COMMANDS_HEAD]
    for parser in _leaves(build_parser()):
        parts += [f"## {parser.prog}\n", f"{_one_line(parser.description or '')}\n"]
        for group in parser._action_groups:
            rows = [_flag_row(action) for action in group._group_actions if action.dest != "help"]
            if rows:
                name = "" if group.title in ("positional arguments", "options") else group.title or ""
                parts.append(_table((name, "default", ""), rows))
    return "\n".join(parts)


def components_page() -> str:
    """``docs/components.md``."""
    import segwright.build  # noqa: F401 - fills the registries

    parts = [COMPONENTS_HEAD]
    for heading, (registry, where, later) in SECTIONS.items():
        parts += [f"## {heading}\n", f"In {where}.\n"]
        for names, entry in _entries(registry):
            summary, explained = _docstring(entry)
            parts += [f"### {', '.join(names)}\n", f"{summary}\n"]
            rows = [_key_row(parameter, explained) for parameter in _parameters(entry) if parameter.name not in later]
            if rows:
                parts.append(_table(("key", "default", ""), rows))
    return "\n".join(parts)


def _leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for child in nested[0].choices.values() if nested else ():
        yield from _leaves(child)
    if not nested:
        yield parser


def _flag_row(action: argparse.Action) -> tuple[str, str, str]:
    words = action.metavar or ("{" + ",".join(map(str, action.choices)) + "}" if action.choices else None)
    value = " ".join(words) if isinstance(words, tuple) else words or ""
    if action.nargs in ("+", "*"):
        value += " ..."
    elif action.nargs == "?" and action.option_strings:
        value = f"[{value}]"
    name = " ".join(filter(None, [", ".join(action.option_strings), value])) if action.option_strings else value
    text = (action.help or "").replace(HERE, "")
    shown = action.default if shows_default(action) and action.default != argparse.SUPPRESS else ""
    default = " ".join(map(str, shown)) if isinstance(shown, list) else str(shown)
    return f"`{name}`", _code(default) if default else "", text.replace("%%", "%")


def _entries(registry: Registry) -> list[tuple[list[str], Callable[..., Any]]]:
    """Each class once, with all its names, by name."""
    names: dict[Callable[..., Any], list[str]] = {}
    for name, entry in registry.items():
        if entry.__module__.startswith("segwright."):  # not what somebody else registered in this process
            names.setdefault(entry, []).append(name)
    return sorted(((found, entry) for entry, found in names.items()), key=lambda item: item[0][0].lower())


def _parameters(entry: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(entry).parameters.values()


def _docstring(entry: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The first paragraph of a Google-style docstring, and what it and those of the bases say of each argument."""
    bases = entry.__mro__[::-1] if inspect.isclass(entry) else (entry,)
    explained = {name: told for base in bases for name, told in _arguments(base).items()}
    return _one_line((inspect.getdoc(entry) or "").split("\n\n")[0]), explained


def _arguments(entry: Callable[..., Any]) -> dict[str, str]:
    """What the section ``Args`` of a docstring says of each."""
    explained: dict[str, str] = {}
    _, _, arguments = inspect.cleandoc(entry.__doc__ or "").partition("Args:\n")
    name = ""
    for line in arguments.splitlines():
        if line and not line.startswith(" "):
            break
        start = re.match(r" {4}(\w+): (.*)", line)
        if start:
            name = start[1]
            explained[name] = start[2]
        elif name and line.strip():
            explained[name] += f" {line.strip()}"
    return explained


def _key_row(parameter: inspect.Parameter, explained: dict[str, str]) -> tuple[str, str, str]:
    default = parameter.default
    if default is inspect.Parameter.empty:
        shown = ""
    else:
        value = list(default) if isinstance(default, tuple) else default
        shown = _code("null" if value is None else str(value))
    return f"`{parameter.name}`", shown, _one_line(explained.get(parameter.name, ""))


def _code(value: str) -> str:
    """A value as code; one that could not be seen in quotes."""
    return f"`{value if value.strip() else repr(value)}`"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


PAGES = {"commands.md": commands_page, "components.md": components_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
