"""Geometry of a small chart: data to SVG coordinates. The template only places what is computed here."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Point = tuple[float, float]

WIDTH, HEIGHT = 440, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 14, 36


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, in SVG units, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Marker:
    """A dot with the text that appears when it is pointed at."""

    x: float
    y: float
    text: str
    faint: bool = False


@dataclass(frozen=True)
class Label:
    """Text in the chart: where its baseline begins (anchor ``start``), has its middle or ends."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"]
    faint: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar that stands on the horizontal axis, with the text that appears when it is pointed at.

    ``low`` and ``high`` are its edges in the data's own units.
    """

    x: float
    y: float
    width: float
    height: float
    text: str
    low: float
    high: float


@dataclass(frozen=True)
class Chart:
    """A chart ready to be written down.

    Attributes:
        title: what the chart shows; also its accessible name.
        summary: what can be read off it, for those who cannot see it.
        x_ticks: along the bottom.
        y_ticks: along the left.
        lines: SVG path data; the last is the main line, one before it is drawn faint.
        markers: dots, on the main line unless they are faint.
        best: the dot to point out.
        bars: behind the lines.
        guide: SVG path data of a dashed line to compare with; empty for none.
        x_label: what the horizontal axis measures.
        y_label: what the vertical one does, where the title does not say it.
        labels: of dots.
    """

    title: str
    summary: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[str] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    best: Marker | None = None
    bars: list[Bar] = field(default_factory=list)
    guide: str = ""
    x_label: str = "iteration"
    y_label: str = ""
    labels: list[Label] = field(default_factory=list)
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP

    @property
    def bottom(self) -> int:
        """Where the horizontal axis is."""
        return self.height - _BOTTOM


@dataclass(frozen=True)
class Axes:
    """The ranges of data that a chart covers, and its height in SVG units."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    height: int = HEIGHT

    def place(self, point: Point) -> Point:
        """Where a point of the data lies, in SVG units."""
        across = (point[0] - self.x_low) / (self.x_high - self.x_low)
        up = (point[1] - self.y_low) / (self.y_high - self.y_low)
        x = _LEFT + across * (WIDTH - _LEFT - _RIGHT)
        return round(x, 2), round(self.height - _BOTTOM - up * (self.height - _TOP - _BOTTOM), 2)

    def path(self, points: Iterable[Point]) -> str:
        """A line through points of the data; empty through none."""
        placed = [f"{x:g},{y:g}" for x, y in map(self.place, points)]
        return "M" + "L".join(placed) if placed else ""

    def bar(self, low: float, high: float, value: float, text: str) -> Bar:
        """A bar from ``low`` to ``high`` along the horizontal axis, as tall as ``value`` says."""
        (left, top), (right, bottom) = self.place((low, value)), self.place((high, self.y_low))
        return Bar(left, top, round(right - left, 2), round(bottom - top, 2), text, low, high)

    def x_ticks(self, values: Iterable[float]) -> list[Tick]:
        """Marks along the bottom."""
        return [Tick(self.place((x, self.y_low))[0], f"{x:g}") for x in values]

    def y_ticks(self, values: Iterable[float]) -> list[Tick]:
        """Marks along the left."""
        return [Tick(self.place((self.x_low, y))[1], f"{y:g}") for y in values]


def loss_chart(train: list[dict[str, Any]]) -> Chart | None:
    """Training loss as logged, faint, with its smoothed course over it; None without two finite values."""
    points = _points(train, "loss")
    if len(points) < 2:
        return None
    return _chart(
        "Training loss",
        f"Training loss falls from {points[0][1]:.3g} at iteration {points[0][0]:.0f} "
        f"to {points[-1][1]:.3g} at iteration {points[-1][0]:.0f}."
        if points[-1][1] < points[0][1]
        else f"Training loss is {points[0][1]:.3g} at the start and {points[-1][1]:.3g} at the end.",
        curves=[points, _smooth(points)],
        y_range=(0, max(y for _, y in points)),
    )


def score_chart(evals: list[dict[str, Any]], key: str = "mIoU") -> Chart | None:
    """A score between 0 and 1 at each evaluation, the best one marked; None without a finite value."""
    points = _points(evals, key)
    if not points:
        return None
    best = max(points, key=lambda point: point[1])
    lowest = min(y for _, y in points)
    return _chart(
        f"Validation {key}",
        f"{key} over {len(points)} evaluations: best {best[1]:.4f} at iteration {best[0]:.0f}, "
        f"last {points[-1][1]:.4f}.",
        curves=[points],
        y_range=(math.floor(lowest * 5) / 5, 1),
        dots=True,
        best=best,
    )


def _points(records: Iterable[Mapping[str, Any]], key: str) -> list[Point]:
    """(iteration, value) of the records that have a finite one."""
    found = ((float(record["iter"]), record.get(key)) for record in records)
    return [(x, float(y)) for x, y in found if isinstance(y, (int, float)) and math.isfinite(y)]


def _smooth(points: list[Point]) -> list[Point]:
    """Centred mean over a twelfth of the points; towards the ends the window shrinks, so that nothing lags."""
    reach = max(1, len(points) // 24)
    smooth = []
    for index, (x, _) in enumerate(points):
        half = min(reach, index, len(points) - 1 - index)
        window = [y for _, y in points[index - half : index + half + 1]]
        smooth.append((x, sum(window) / len(window)))
    return smooth


def _chart(
    title: str,
    summary: str,
    *,
    curves: list[list[Point]],
    y_range: tuple[float, float],
    dots: bool = False,
    best: Point | None = None,
) -> Chart:
    xs = [x for x, _ in curves[-1]]
    x_ticks, y_ticks = nice_ticks(0, max(xs)), nice_ticks(*y_range)
    axes = Axes(0, max(xs) or 1, min(y_ticks[0], y_range[0]), max(y_ticks[-1], y_range[1]))

    def mark(point: Point) -> Marker:
        return Marker(*axes.place(point), text=f"iteration {point[0]:.0f}: {point[1]:.4f}")

    return Chart(
        title=title,
        summary=summary,
        x_ticks=axes.x_ticks(x_ticks),
        y_ticks=axes.y_ticks(y_ticks),
        lines=[axes.path(curve) for curve in curves],
        markers=[mark(point) for point in curves[-1]] if dots else [],
        best=mark(best) if best else None,
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """Four to seven round numbers (1, 2 or 5 times a power of ten apart) between ``low`` and ``high``."""
    span = high - low if high - low > 1e-6 else 1.0
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((1, 2, 5, 10), key=lambda factor: abs(factor * power - rough)) * power
    first = math.ceil(low / step - 1e-9)
    last = math.floor((low + span) / step + 1e-9)
    return [round(count * step, 10) for count in range(first, last + 1)]
