"""What is wrong with data and configuration, as one HTML file that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from segwright.images import Colour, Palette, overlay
from segwright.report.data import Tile
from segwright.report.pictures import Panel, jpeg_uri, shrunk
from segwright.report.templates import environment, write_page

LONGEST_SIDE = 480  # pixels of a picture in the page
QUALITY = 80
FILES = 200  # names in the page


@dataclass(frozen=True)
class ShownPair:
    """A picture, (H, W, 3) uint8, and its label map, ids, if there is one to be drawn."""

    name: str
    image: np.ndarray
    label: np.ndarray | None
    palette: Palette


@dataclass(frozen=True, kw_only=True)
class ShownFinding:
    """A finding; ``level`` is error, warning or info."""

    kind: str
    level: str
    title: str
    measured: str
    suggestion: str = ""
    snippet: str = ""
    files: Sequence[str] = ()
    pairs: Sequence[ShownPair] = ()


@dataclass(frozen=True, kw_only=True)
class ClassShare:
    """A class: its share of the pixels, and the pictures that hold it, for each part of the data."""

    name: str
    colour: Colour
    shares: Sequence[float]
    pictures: Sequence[int]
    weight: float | None


@dataclass(frozen=True, kw_only=True)
class DoctorData:
    """What the page tells.

    Attributes:
        title: of the page.
        lead: a sentence below it.
        tiles: figures of the summary.
        findings: the worst first.
        classes: in the order of their ids.
        parts: of the data, in the order of the classes' shares.
        environment: what it was made with, by name.
    """

    title: str
    lead: str
    tiles: list[Tile]
    findings: list[ShownFinding]
    classes: list[ClassShare] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def write_doctor(path: Path, data: DoctorData) -> None:
    """Write the page; an older one stays whole until the new one replaces it.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    environment()  # tells that Jinja2 is missing before pictures are drawn
    write_page(
        path,
        "doctor.html",
        styles=("page.css", "doctor.css"),
        script=None,
        data=data,
        sections=[
            (
                heading,
                [(found, list(map(_panels, found.pairs))) for found in data.findings if found.level == level],
            )
            for level, heading in (("error", "Errors"), ("warning", "Warnings"), ("info", "Notes"))
        ],
        most_files=FILES,
    )


def _panels(pair: ShownPair) -> list[Panel]:
    """The picture, and the picture with its classes in colour."""
    name = Path(pair.name).name
    panels = [Panel(name, _uri(pair.image), f"the picture {name}")]
    if pair.label is not None:
        palette = [*pair.palette, *[(255, 0, 255)] * (256 - len(pair.palette))]  # ids that are no class are seen
        fits = pair.label.shape == pair.image.shape[:2]
        ground = pair.image if fits else np.zeros((*pair.label.shape, 3), np.uint8)
        drawn = overlay(ground, pair.label, palette)
        panels.append(
            Panel(
                "with its label map" if fits else "its label map",
                _uri(drawn),
                f"{name} with the classes of its label map in colour",
            )
        )
    return panels


def _uri(pixels: np.ndarray) -> str:
    return jpeg_uri(shrunk(np.ascontiguousarray(pixels), LONGEST_SIDE), quality=QUALITY)
