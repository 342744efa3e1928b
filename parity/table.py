"""Outcomes as rows of a table, and the tables of a page."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from parity.comparison import SAME, Outcome

HEADING = "| case | largest difference | allowed | of | verdict |\n|---|---|---|---|---|"
END = "<!-- end of table -->"


def row(outcome: Outcome) -> str:
    """One line of a table: the number that comes nearest to its limit stands for the case."""
    worst = outcome.worst
    numbers = " | | "
    if worst:
        numbers = f"{_number(worst.value)} | {_number(worst.tolerance)} | {worst.kind if worst.value else 'all'}"
    return f"| {outcome.name} | {numbers} | {outcome.verdict} |"


def summary(outcomes: list[Outcome]) -> str:
    """How many cases agree, and what is with the others."""
    agreeing = sum(each.agrees for each in outcomes)
    others = Counter(each.verdict.partition(":")[0] for each in outcomes if not each.agrees)
    rest = "".join(f"; {verdict}: {count}" for verdict, count in others.items())
    return f"{agreeing} of {len(outcomes)} cases agree with PaddleSeg{rest}."


def section(outcomes: list[Outcome]) -> str:
    """Text for a page: what is simply the same, or was not compared at all, is folded away."""
    same = [each for each in outcomes if each.verdict == SAME]
    without = [each for each in outcomes if not each.differences]
    others = [each for each in outcomes if each not in same + without]
    parts = [summary(outcomes)]
    if others:
        parts.append(_table(others))
    for title, folded in (("the same", same), ("not compared", without)):
        if folded:
            parts += [f"<details><summary>{title}: {len(folded)}</summary>", _table(folded), "</details>"]
    return "\n\n".join(parts)


def begin(folder: str) -> str:
    """The mark in front of a folder's table, which says how the table is made."""
    return f"<!-- table: python -m parity {folder} --write docs/parity.md -->"


def put(page: Path, folder: str, text: str) -> None:
    """Replace what stands on a page between the marks of a folder."""
    before, mark, rest = page.read_text(encoding="utf-8").partition(begin(folder))
    after = rest.partition(END)[2]
    page.write_text(f"{before}{mark}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _table(outcomes: Iterable[Outcome]) -> str:
    return "\n".join([HEADING, *map(row, outcomes)])


def _number(value: float) -> str:
    return f"{value:.1e}" if value else "0"
