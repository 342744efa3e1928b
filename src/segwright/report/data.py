"""What a report is made of: plain values that ``dataclasses.asdict`` and ``json`` can write."""

from dataclasses import dataclass, field
from typing import Any

from segwright.images import Colour


@dataclass(frozen=True)
class RunLog:
    """The records of a training run's ``log.jsonl``, in the order of their iterations."""

    train: list[dict[str, Any]] = field(default_factory=list)
    evals: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Tile:
    """One figure of the summary, formatted as it is to be read."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class, 0..1, and the RGB colour that stands for it on the page."""

    name: str
    colour: Colour
    iou: float
    precision: float
    recall: float
    dice: float


@dataclass(frozen=True)
class GalleryRow:
    """Files of one picture with its true and predicted label maps, which hold class ids."""

    image: str
    truth: str
    prediction: str
    caption: str = ""


@dataclass(frozen=True)
class Check:
    """A claim that was tested, and the figure that came out."""

    claim: str
    figure: str
    passed: bool


@dataclass(frozen=True)
class Command:
    """A command line that was run, how long it took, and what it was for."""

    line: str
    seconds: float
    purpose: str = ""


@dataclass(frozen=True)
class ReportData:
    """The content of a page; a part that is empty is left out.

    Attributes:
        title: heading of the page.
        lead: one paragraph under it.
        tiles: the figures to see first.
        log: for the curves of loss and mIoU.
        classes: in the order of their ids; their colours paint the gallery.
        ignore_index: label value of pixels that are not judged.
        gallery: pictures with truth and prediction.
        gallery_note: how the pictures were chosen.
        checks: what was verified.
        commands: what was run, in order.
        config: text of the configuration.
        environment: names and values, such as versions.
    """

    title: str
    lead: str = ""
    tiles: list[Tile] = field(default_factory=list)
    log: RunLog = field(default_factory=RunLog)
    classes: list[ClassScores] = field(default_factory=list)
    ignore_index: int = 255
    gallery: list[GalleryRow] = field(default_factory=list)
    gallery_note: str = ""
    checks: list[Check] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    config: str = ""
    environment: dict[str, str] = field(default_factory=dict)
