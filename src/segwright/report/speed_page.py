"""Accuracy against speed of several exported models, as a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segwright.report.data import Tile
from segwright.report.scatter import Dot, front, speed_chart
from segwright.report.templates import write_page


@dataclass(frozen=True, kw_only=True)
class ModelSpeed:
    """An exported model on an engine; times are those of one picture, in milliseconds.

    Attributes:
        name: to tell it from the others.
        folder: of the export.
        engine: library, version, and what of it computes.
        precision: that it is computed in.
        input_shape: N, C, H, W of the network's inputs; -1 where they differed.
        milliseconds: median time from the picture's file to its label map.
        low: the first quartile of that.
        high: the third.
        network: median time of the network alone.
        miou: that the export's certificate tells, 0..1, or None.
        pictures: that it was measured on, or None.
    """

    name: str
    folder: str
    engine: str
    precision: str
    input_shape: tuple[int, ...]
    milliseconds: float
    low: float
    high: float
    network: float
    miou: float | None = None
    pictures: int | None = None


@dataclass(frozen=True, kw_only=True)
class SpeedData:
    """What the page tells.

    Attributes:
        title: of the page.
        lead: a sentence below it.
        models: the models, in any order.
        cautions: sentences on what hinders a comparison.
        environment: what it was measured with, by name.
    """

    title: str
    lead: str
    models: Sequence[ModelSpeed]
    cautions: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)


def on_front(models: Sequence[ModelSpeed]) -> set[str]:
    """Names of the models that no other one is both faster and at least as accurate as."""
    return {dot.name for dot in front(_dots(models))}


def write_speed(path: Path, data: SpeedData) -> None:
    """Write the page; an older one stays whole until the new one replaces it.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    dots = _dots(data.models)
    fastest = min(data.models, key=lambda model: model.milliseconds)
    tiles = [Tile("Fastest", f"{fastest.milliseconds:.1f} ms", fastest.name)]
    if dots:
        best = max(dots, key=lambda dot: dot.miou)
        tiles.insert(0, Tile("Most accurate", f"{best.miou:.4f}", best.name))
    write_page(
        path,
        "speed.html",
        styles=("page.css", "speed.css"),
        script=None,
        data=data,
        tiles=tiles,
        chart=speed_chart(dots),
        models=sorted(data.models, key=lambda model: model.milliseconds),
        front=on_front(data.models),
    )


def _dots(models: Sequence[ModelSpeed]) -> list[Dot]:
    return [Dot(model.name, model.milliseconds, model.miou) for model in models if model.miou is not None]
