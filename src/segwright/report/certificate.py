"""How an exported model compares with the one it came from, as a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from segwright.images import Palette, overlay
from segwright.report.data import Tile
from segwright.report.pictures import Panel, jpeg_uri, shrunk
from segwright.report.templates import write_page

LONGEST_SIDE = 560  # pixels of a picture in the page
QUALITY = 85


@dataclass(frozen=True)
class ComparedInput:
    """One input: its shape, and how the outputs differ."""

    shape: Sequence[int]
    logit_difference: float
    pixels: int
    different: int
    ties: int


@dataclass(frozen=True)
class ComparedPicture:
    """A picture, (H, W, 3) uint8, what both say of it, (H, W) ids, and (h, w) differences of logits."""

    picture: np.ndarray
    expected: np.ndarray
    label: np.ndarray
    differences: np.ndarray


@dataclass(frozen=True)
class ScoreRow:
    """A score of both; None where it does not exist."""

    name: str
    model: float | None
    export: float | None


@dataclass(frozen=True)
class ComparedScores:
    """Scores of both on so many pictures."""

    pictures: int
    rows: list[ScoreRow]


@dataclass(frozen=True, kw_only=True)
class CertificateData:
    """What the page tells.

    Attributes:
        title: of the page.
        lead: a sentence below it.
        tiles: figures of the summary.
        tolerance: largest difference of a logit that is allowed, or None if there is no such limit.
        inputs: all that were compared.
        pictures: those to look at.
        palette: colours of the classes.
        scores: on data with labels, if they were compared.
        environment: what it was made with, by name.
        config: text of the configuration, if any.
    """

    title: str
    lead: str
    tiles: list[Tile]
    tolerance: float | None
    inputs: list[ComparedInput]
    pictures: list[ComparedPicture]
    palette: Palette
    scores: ComparedScores | None = None
    environment: dict[str, str] = field(default_factory=dict)
    config: str = ""


def write_certificate(path: Path, data: CertificateData) -> None:
    """Write the page; an older one stays whole until the new one replaces it.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    pictures = [_panels(picture, data) for picture in data.pictures]
    write_page(path, "certificate.html", styles=("page.css",), script=None, data=data, pictures=pictures)


def _panels(shown: ComparedPicture, data: CertificateData) -> list[Panel]:
    white = data.tolerance or max(float(shown.differences.max()), 1e-12)
    grey = np.clip(shown.differences / white * 255, 0, 255).astype(np.uint8)
    heat = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    pictures = {
        "Picture": (shown.picture, "the picture"),
        "Model": (overlay(shown.picture, shown.expected, data.palette), "the classes that the model predicts"),
        "Export": (overlay(shown.picture, shown.label, data.palette), "the classes that the exported file predicts"),
        f"Differences up to {shown.differences.max():.1e}": (heat, "differences of the logits"),
    }
    return [
        Panel(label, jpeg_uri(shrunk(np.ascontiguousarray(pixels), LONGEST_SIDE), quality=QUALITY), alt)
        for label, (pixels, alt) in pictures.items()
    ]
