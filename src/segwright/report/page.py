"""A run as one HTML file that needs nothing else: style, curves and pictures are inside it."""

from importlib.resources import files
from pathlib import Path

from segwright.atomic import write_text
from segwright.errors import MissingExtraError
from segwright.report.chart import loss_chart, score_chart
from segwright.report.data import ReportData
from segwright.report.pictures import DIFFERENCE_COLOUR, panels


def write_report(path: Path, data: ReportData) -> None:
    """Write the page; an older one stays whole until the new one replaces it.

    Raises:
        DataError: a picture or label map of the gallery cannot be used.
        MissingExtraError: Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("The report page", extra="report") from error

    environment = Environment(
        loader=PackageLoader("segwright.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("segwright.report")
    colours = [scores.colour for scores in data.classes]
    page = environment.get_template("page.html").render(
        data=data,
        style=(folder / "page.css").read_text(encoding="utf-8"),
        script=(folder / "page.js").read_text(encoding="utf-8"),
        charts=[chart for chart in (loss_chart(data.log.train), score_chart(data.log.evals)) if chart],
        gallery=[(row, panels(row, colours, data.ignore_index)) for row in data.gallery],
        difference_colour=DIFFERENCE_COLOUR,
    )
    write_text(path, page)
