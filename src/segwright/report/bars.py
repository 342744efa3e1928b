"""Charts with bars: how a score is spread over pictures, and how sure a model is where it is right."""

import math
from collections.abc import Sequence

import numpy as np

from segwright.metrics.calibration import CalibrationCounts
from segwright.report.chart import Axes, Chart, Marker, nice_ticks

MOST_BARS = 24  # of the distribution of a score
WIDTHS = (0.01, 0.02, 0.05)  # that such a bar may have
UNIT_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def distribution_chart(scores: Sequence[float | None]) -> Chart | None:
    """How many pictures have which mIoU, 0..1; None without a picture that has one."""
    values = np.array([score for score in scores if score is not None])
    if not values.size:
        return None
    width = next((width for width in WIDTHS if np.ptp(values) < width * (MOST_BARS - 1)), WIDTHS[-1])
    first, last = math.floor(values.min() / width - 1e-9), math.floor(values.max() / width + 1e-9) + 1
    edges = [round(index * width, 2) for index in range(max(0, first), min(last, round(1 / width)) + 1)]
    counts, _ = np.histogram(values, bins=edges)
    ticks = [tick for tick in nice_ticks(0, max(1, int(counts.max()))) if tick.is_integer()]
    axes = Axes(edges[0], edges[-1], 0, max(ticks[-1], int(counts.max())))
    tenth, median = np.quantile(values, (0.1, 0.5))
    return Chart(
        title="mIoU of single pictures",
        summary=f"Half of the {values.size} pictures reach {median:.2f} or more; a tenth stays below {tenth:.2f}. "
        f"Lowest {values.min():.2f}, highest {values.max():.2f}.",
        x_ticks=axes.x_ticks(nice_ticks(edges[0], edges[-1])),
        y_ticks=axes.y_ticks(ticks),
        bars=[
            axes.bar(
                low, high, count, f"mIoU {low:.2f} to {high:.2f}: {count} {'picture' if count == 1 else 'pictures'}"
            )
            for low, high, count in zip(edges[:-1], edges[1:], counts.tolist(), strict=True)
        ],
        x_label="mIoU of a picture",
    )


def reliability_chart(calibration: CalibrationCounts) -> Chart | None:
    """The share of right pixels over their confidence, and how many pixels have which; None without pixels.

    Guo et al., 2017, https://arxiv.org/abs/1706.04599.
    """
    error = calibration.expected_error()
    if error is None:
        return None
    bins = [found for found in calibration.bins() if found.pixels]
    total = sum(found.pixels for found in bins)
    sure, right = (
        sum(found.pixels * (getattr(found, name) or 0) for found in bins) / total for name in ("confidence", "accuracy")
    )
    if abs(sure - right) < 0.005:
        verdict = "on the whole as sure as it is right"
    else:
        verdict = "too sure of itself" if sure > right else "less sure than it could be"
    axes = Axes(0, 1, 0, 1)
    points = [(found.confidence or 0.0, found.accuracy or 0.0) for found in bins]
    return Chart(
        title="Calibration",
        summary=f"Expected calibration error {error:.4f}: the model is {verdict}, with a mean confidence of "
        f"{sure:.1%} where {right:.1%} of the pixels are right. The line shows the share of right pixels; it would lie "
        "on the dashed diagonal if confidence could be taken at its word. Bars show the share of all pixels.",
        x_ticks=axes.x_ticks(UNIT_TICKS),
        y_ticks=axes.y_ticks(UNIT_TICKS),
        lines=[axes.path(points)],
        markers=[
            Marker(
                *axes.place(point),
                text=f"confidence {found.low:.2f} to {found.high:.2f}, mean {point[0]:.3f}: {point[1]:.1%} right, "
                f"{found.pixels / total:.2%} of all pixels",
            )
            for point, found in zip(points, bins, strict=True)
        ],
        bars=[
            axes.bar(found.low, found.high, found.pixels / total, f"{found.pixels / total:.2%} of all pixels")
            for found in bins
        ],
        guide=axes.path([(0, 0), (1, 1)]),
        x_label="confidence",
    )
