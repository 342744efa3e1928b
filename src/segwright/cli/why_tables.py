"""How ``segwright why`` looks on a terminal."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich import get_console
from rich.bar import Bar
from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from segwright.cli.tables import number
from segwright.report.comparison import Comparison, Curves, Score
from segwright.report.differences import Difference
from segwright.report.run_folder import RecordedRun

WIDTH = 100  # characters, at most
WIDE = 80  # characters from which on there is room for bars
SHOWN = 25  # rows of a table of scores
BAR = 24  # characters of a bar that starts in the middle
COLOURS = {"A": "cyan", "B": "magenta"}
UP, DOWN = "green", "red"


def print_comparison(a: RecordedRun, b: RecordedRun, found: Comparison) -> None:
    """Who was compared, the explanation, then what differed and what came of it."""
    console = get_console()
    width = min(console.width, WIDTH)
    bars = width >= WIDE and not console.options.ascii_only

    def show(*parts: RenderableType) -> None:
        console.print(*parts, "", sep="\n", width=width)

    show(_runs(a, b), Text(found.explanation, style="bold"))
    for title, rows in (
        ("Settings", found.settings),
        ("Code", found.code),
        ("Packages", found.packages),
        ("Machine", found.machine),
    ):
        if rows:
            show(_difference_table(title, rows))
    if found.data:
        table = _table("Data")
        for row in found.data:
            table.add_row(_row_name(row))
        show(table)
    if found.curves.num_common:
        show(_curve_table(found.curves, bars=bars))
    if found.scores:
        show(_score_table("Scores", found.scores, bars=bars))
    if found.classes:
        show(_score_table("IoU by class", found.classes, bars=bars))


def _runs(a: RecordedRun, b: RecordedRun) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")
    for name, run in (("A", a), ("B", b)):
        facts, host = run.ledger, run.ledger.get("host", {})
        device = facts.get("devices", {})
        processes = f"{device['processes']} processes on " if device.get("processes", 1) > 1 else ""
        what = [
            f"iteration {run.iteration}",
            str(facts.get("started", "")).replace("T", " ").replace("+00:00", " UTC"),
            f"{processes}{device.get('name') or host.get('cpu', '')}",
            host.get("name", ""),
        ]
        summary = Text(", ".join(filter(None, what)), "dim")
        table.add_row(Text(f" {name}", f"bold {COLOURS[name]}"), Text(str(run.path)), summary)
    table.add_row()
    return table


def _difference_table(title: str, rows: list[Difference]) -> Table:
    table = _table(title)
    for name in "AB":
        table.add_column(Text(name, COLOURS[name]), ratio=3, overflow="fold")
    for group, members in groupby(rows, key=lambda row: row.group):
        if group and group.lower() != title.lower():
            table.add_row(Text(f" {group}", "bold"))
        for row in members:
            table.add_row(_row_name(row.key), *(_cell(row, name) for name in "AB"))
    return table


def _cell(row: Difference, name: str) -> Text:
    if row.only and row.only != name:
        return Text("-", "dim")
    text = Text(spell(row.a if name == "A" else row.b))
    return text.append(" default", "dim") if name in row.default else text


def spell(value: Any) -> str:
    """A value as YAML's flow style has it, a component as ``Type(key=value)``."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}={spell(item)}" for key, item in value.items() if key != "type")
        return f"{value.get('type', '')}({inner})" if inner or "type" not in value else str(value["type"])
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spell, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _curve_table(curves: Curves, *, bars: bool) -> Table:
    """Where the losses part, and where they end."""
    table = _figures("Training loss", "relative", bars=bars)
    if curves.first is None:
        table.add_row(_row_name(f"same at all {curves.num_common} iterations logged by both"))
        return table
    if curves.last_equal:
        table.add_row(_row_name(f"same until iteration {curves.last_equal}"), Text("=", "dim"), Text("=", "dim"))
    points = {"first difference": curves.first, "last logged by both": curves.last}
    for name, point in points.items():
        if point:
            share = f"{(point.b - point.a) / abs(point.a):+.1e}" if point.a else ""
            table.add_row(_row_name(f"{name}, {point.iteration}"), f"{point.a:.6g}", f"{point.b:.6g}", share)
    return table


def _score_table(title: str, rows: Sequence[Score], *, bars: bool) -> Table:
    """Scores of A and B, the gain, and the gain as a bar: to the right where B is better."""
    table = _figures(title, "B - A", bars=bars)
    largest = max((abs(row.gain) for row in rows if row.gain), default=1.0)
    for row in rows[:SHOWN]:
        share = (row.gain or 0.0) / largest
        colour = UP if share > 0 else DOWN
        gain = Text(f"{row.gain:+.4f}", colour) if row.gain else Text("=" if row.gain == 0 else "", "dim")
        bar = Bar(2, 1 + min(share, 0), 1 + max(share, 0), width=BAR, color=colour)
        table.add_row(_row_name(row.name), number(row.a), number(row.b), gain, *([bar] if bars else []))
    if len(rows) > SHOWN:
        table.add_row(_row_name(f"{len(rows) - SHOWN} more differ less; --json has them all"))
    return table


def _figures(title: str, difference: str, *, bars: bool) -> Table:
    """A table of figures for A, B and their difference, all such tables with the same columns."""
    table = _table(title)
    for name in ("A", "B", difference):
        table.add_column(Text(name, COLOURS.get(name, "")), justify="right", width=9)
    if bars:
        table.add_column("", width=BAR)
    return table


def _row_name(text: str) -> Padding:
    """Set in, also where it takes several lines."""
    return Padding(Text(text), (0, 0, 0, 3))


def _table(title: str) -> Table:
    """A table as wide as all others, whose first column says what its rows are about."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, expand=True)
    table.add_column(f" {title}", ratio=5, overflow="fold")
    return table
