"""A run as one HTML file that needs nothing else: style, curves and pictures are inside it."""

from pathlib import Path

from segwright.report.chart import loss_chart, score_chart
from segwright.report.data import ReportData
from segwright.report.pictures import DIFFERENCE_COLOUR, panels
from segwright.report.templates import environment, write_page


def write_report(path: Path, data: ReportData) -> None:
    """Write the page; an older one stays whole until the new one replaces it.

    Raises:
        DataError: a picture or label map of the gallery cannot be used.
        MissingExtraError: Jinja2 is not installed.
    """
    environment()  # tells that Jinja2 is missing before pictures are read
    colours = [scores.colour for scores in data.classes]
    write_page(
        path,
        "page.html",
        styles=("page.css",),
        script="page.js",
        data=data,
        charts=[chart for chart in (loss_chart(data.log.train), score_chart(data.log.evals)) if chart],
        gallery=[(row, panels(row, colours, data.ignore_index)) for row in data.gallery],
        difference_colour=DIFFERENCE_COLOUR,
    )
