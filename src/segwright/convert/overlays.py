"""Annotations laid over their pictures, to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from segwright.convert.work import Report, convert_files
from segwright.errors import DataError
from segwright.images import (
    BACKGROUND,
    LegendEntry,
    Palette,
    output_paths,
    overlay,
    overlay_maps,
    read_image,
    read_label,
    split_maps,
    with_legend,
    write_image,
)
from segwright.types import Size


@dataclass(frozen=True)
class OverlayJob:
    """A picture, its label map, and the overlay to write."""

    source: Path
    label: Path
    path: Path

    @property
    def results(self) -> tuple[Path, ...]:
        """The overlay."""
        return (self.path,)


@dataclass(frozen=True)
class Look:
    """How overlays are drawn.

    Attributes:
        palette: colour of each class, or of each map with ``multilabel``.
        names: of the classes in a legend that shows those of the picture; none without names.
        weight: share of the picture, 0..1; the colours get the rest.
        multilabel: label files hold a map for each class.
    """

    palette: Palette
    names: Sequence[str] = ()
    weight: float = 0.6
    multilabel: bool = False


def write_overlays(
    pairs: Sequence[tuple[Path, Path]],
    out: Path,
    root: Path,
    look: Look,
    *,
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """Write an overlay for each picture and label map, below ``out`` as the pictures lie below ``root``."""
    places = output_paths([image for image, _ in pairs], root, ".jpg")
    jobs = [OverlayJob(image, label, out / place) for (image, label), place in zip(pairs, places, strict=True)]
    return convert_files(jobs, partial(_draw, look), num_workers=num_workers, overwrite=overwrite, title="drawing")


def _draw(look: Look, job: OverlayJob) -> Path:
    image, label = read_image(job.source), read_label(job.label)
    if look.multilabel:
        maps = split_maps(label, Size.of(image))
        if maps is None or maps.shape[2] > len(look.palette):
            raise DataError(
                f"{job.label} is {Size.of(label)}, not up to {len(look.palette)} maps of the picture's {Size.of(image)}"
            )
        shown = [index for index in range(maps.shape[2]) if (maps[:, :, index] == 1).any()]
        drawn = overlay_maps(image, maps == 1, look.palette[: maps.shape[2]], look.weight)
    else:
        drawn = overlay(image, label, look.palette, look.weight)
        shown = [index for index in np.unique(label).tolist() if index < len(look.palette)]
    seen = [index for index in shown if index < len(look.names) and look.palette[index] != BACKGROUND]
    write_image(job.path, with_legend(drawn, [LegendEntry(look.names[i], look.palette[i]) for i in seen]))
    return job.path
