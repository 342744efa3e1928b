"""Pages from templates: one HTML file that needs nothing else, its style and script inside it."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.atomic import write_text
from segwright.errors import MissingExtraError

if TYPE_CHECKING:
    from jinja2 import Environment


def environment() -> "Environment":
    """The templates of this folder; what they are given is escaped.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("The report page", extra="report") from error

    return Environment(
        loader=PackageLoader("segwright.report", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_page(path: Path, template: str, *, styles: tuple[str, ...], script: str | None, **content: Any) -> None:
    """Write a page; an older one stays whole until the new one replaces it.

    Args:
        path: the file to write.
        template: name of the template that extends ``layout.html``.
        styles: names of style sheets of this folder, a later one overriding an earlier one.
        script: name of the script of this folder, or None.
        **content: what the template asks for.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    folder = files("segwright.report")
    style = "\n".join((folder / name).read_text(encoding="utf-8") for name in styles)
    code = (folder / script).read_text(encoding="utf-8") if script else ""
    write_text(path, environment().get_template(template).render(style=style, script=code, **content))
