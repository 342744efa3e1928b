"""The chart of accuracy against speed: dots with names, and the line that no other model goes beyond."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from segwright.report.chart import Axes, Chart, Label, Marker, Point, Tick, nice_ticks

WIDE = 6  # times the fastest: from there on the axis of times is logarithmic
HEIGHT = 350  # of the chart, in SVG units: room for names
LETTER, LINE, DOT = 6.8, 12, 6  # width of a letter, height of a line, and room around a dot's middle, in SVG units
PASSES = 3
PLACES: list[tuple[float, float, Literal["start", "middle", "end"]]] = [  # of a label from its dot, the best first
    (9, 4, "start"),
    (0, -9, "middle"),
    (-9, 4, "end"),
    (0, 18, "middle"),
    (8, -8, "start"),
    (8, 16, "start"),
    (-8, -8, "end"),
    (-8, 16, "end"),
    (0, -22, "middle"),
    (0, 31, "middle"),
]

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Dot:
    """A model in the chart: milliseconds per picture, mIoU from 0 to 1."""

    name: str
    milliseconds: float
    miou: float


def front(dots: Sequence[Dot]) -> list[Dot]:
    """Those that no other is both faster and at least as accurate as, the fastest first."""
    best: list[Dot] = []
    for dot in sorted(dots, key=lambda dot: (dot.milliseconds, -dot.miou)):
        if not best or dot.miou > best[-1].miou:
            best.append(dot)
    return best


def speed_chart(dots: Sequence[Dot]) -> Chart | None:
    """mIoU over the time of a picture; None without a dot."""
    if not dots:
        return None
    times, scores = [dot.milliseconds for dot in dots], [dot.miou for dot in dots]
    wide = max(times) > WIDE * min(times)
    margin = max(0.01, 0.15 * (max(scores) - min(scores)))
    low, high = max(0.0, min(scores) - margin), min(1.0, max(scores) + margin)
    if wide:
        axes = Axes(math.log10(min(times) / 1.4), math.log10(max(times) * 1.4), low, high, HEIGHT)
    else:
        axes = Axes(0, max(times) * 1.15, low, high, HEIGHT)

    def place(milliseconds: float, miou: float) -> Point:
        return axes.place((math.log10(milliseconds) if wide else milliseconds, miou))

    best = front(dots)
    corners = [place(best[0].milliseconds, best[0].miou)]
    for before, dot in pairwise(best):
        corners += [place(dot.milliseconds, before.miou), place(dot.milliseconds, dot.miou)]
    places = {dot: place(dot.milliseconds, dot.miou) for dot in dots}
    names = ", ".join(f"{dot.name} ({dot.miou:.4f}, {dot.milliseconds:.1f} ms)" for dot in best)
    chart = Chart(
        title="mIoU over the time of a picture",
        summary=f"No model is both faster and more accurate than {names}. Up and to the left is better"
        f"{'; times on a logarithmic axis' if wide else ''}.",
        x_ticks=[
            Tick(place(ms, low)[0], f"{ms:g}") for ms in (_log_ticks(times) if wide else nice_ticks(0, axes.x_high))
        ],
        y_ticks=axes.y_ticks(nice_ticks(low, high)),
        lines=["M" + "L".join(f"{x:g},{y:g}" for x, y in corners)],
        markers=[
            Marker(*places[dot], f"{dot.name}: mIoU {dot.miou:.4f}, {dot.milliseconds:.1f} ms", faint=dot not in best)
            for dot in dots
        ],
        x_label="ms per picture",
        y_label="mIoU",
        height=HEIGHT,
    )
    chart.labels.extend(_labels(places, best, chart, corners))
    return chart


def _log_ticks(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten, or these alone if there are many, within the values and a little beyond."""
    low, high = min(values) / 1.4, max(values) * 1.4
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    factors = (1, 2, 5) if len(powers) < 4 else (1,)
    return [tick for power in powers for factor in factors if low <= (tick := factor * 10.0**power) <= high]


def _labels(places: dict[Dot, Point], best: Sequence[Dot], chart: Chart, corners: Sequence[Point]) -> list[Label]:
    """A name beside each dot, where it covers least: other names, dots, the line, and what is outside."""
    fixed: list[Box] = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in places.values()]
    fixed += [(min(x, u) - 1, min(y, v) - 1, max(x, u) + 1, max(y, v) + 1) for (x, y), (u, v) in pairwise(corners)]
    chosen: dict[Dot, Label] = {}
    for _ in range(PASSES):  # in the first, names give way to those before them; then to all
        for dot, (x, y) in sorted(places.items(), key=lambda item: item[0] not in best):
            taken = fixed + [_box(label) for other, label in chosen.items() if other != dot]
            options = [
                Label(round(x + right, 2), round(y + down, 2), dot.name, anchor, faint=dot not in best)
                for right, down, anchor in PLACES
            ]
            chosen[dot] = min(options, key=lambda option: _covered(_box(option), taken, chart))
    return list(chosen.values())


def _box(label: Label) -> Box:
    width = LETTER * len(label.text)
    left = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
    return left, label.y - LINE + 2, left + width, label.y + 2


def _covered(box: Box, taken: Sequence[Box], chart: Chart) -> float:
    """Area that a box shares with others, and has outside of the chart."""
    left, top, right, bottom = box
    area = (right - left) * (bottom - top)
    inside = _shared(box, (0, 0, chart.width, chart.bottom))
    return sum(_shared(box, other) for other in taken) + 100 * (area - inside)


def _shared(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
