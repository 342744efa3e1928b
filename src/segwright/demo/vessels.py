"""The vessel tree of the demo's fundus pictures: arcades that leave the optic disc, curve, taper and branch."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from segwright.types import Size

_STEP = 0.05  # length of one straight piece, in retina radii
_SUBPIXEL_BITS = 4
_OVERSAMPLING = 2


@dataclass(frozen=True)
class Vessel:
    """One unbranched piece of the tree.

    Attributes:
        points: (P, 2) float64, x and y in pixels, from the thick end to the thin one.
        widths: (P,) float64, diameter in pixels.
        opacity: how much light the blood in it takes, 0..1; veins are darker than arteries.
    """

    points: np.ndarray
    widths: np.ndarray
    opacity: float


def grow_tree(
    rng: np.random.Generator, root: np.ndarray, disc_radius: float, radius: float, temporal: int
) -> list[Vessel]:
    """Arteries and veins of one eye, thinnest first, so that trunks are drawn over twigs.

    Args:
        rng: where the variety comes from.
        root: (2,) x and y of the optic disc, which may lie outside the picture.
        disc_radius: of the disc, in pixels.
        radius: of the retina, in pixels.
        temporal: +1 if the macula lies to the right of the disc, -1 if to the left.
    """
    tortuosity = rng.uniform(0.04, 0.11)
    calibre = rng.uniform(0.024, 0.036) * radius
    trunks: list[Vessel] = []
    for downwards in (-1, 1):
        for opacity in (0.6, 0.85):
            # A temporal trunk leaves upwards or downwards, then bends around the macula; a nasal one runs straight.
            temporal_course = (np.radians(rng.uniform(62, 105)), -np.radians(rng.uniform(45, 95)), 2.3)
            nasal_course = (np.radians(rng.uniform(112, 150)), np.radians(rng.uniform(-25, 30)), 1.5)
            for (heading, bend, length), thickness in ((temporal_course, 1.0), (nasal_course, 0.75)):
                entry = root + rng.uniform([-0.35, 0.05], [0.35, 0.5]) * [1, -downwards] * disc_radius
                trunks += _branches(
                    rng,
                    start=entry,
                    heading=heading * downwards,
                    bend=bend * downwards,
                    length=length * rng.uniform(0.85, 1.15),
                    width=calibre * thickness * (0.75 + 0.4 * opacity) * rng.uniform(0.85, 1.1),
                    opacity=opacity,
                    tortuosity=tortuosity,
                    radius=radius,
                )
    for heading in rng.uniform(-np.pi, np.pi, rng.integers(2, 6)):  # small ones between the arcades
        trunks += _branches(
            rng, root, heading, rng.normal(0, 0.3), rng.uniform(0.4, 0.9), calibre * 0.4, 0.6, tortuosity, radius
        )
    if temporal < 0:
        trunks = [Vessel(np.array([2 * root[0], 0]) + v.points * [-1, 1], v.widths, v.opacity) for v in trunks]
    return sorted(trunks, key=lambda vessel: vessel.widths[0])


def _branches(
    rng: np.random.Generator,
    start: np.ndarray,
    heading: float,
    bend: float,
    length: float,
    width: float,
    opacity: float,
    tortuosity: float,
    radius: float,
    depth: int = 0,
) -> Iterator[Vessel]:
    """A vessel and all that springs from it. ``length`` is in retina radii, ``bend`` the angle it turns in all."""
    num_steps = max(4, round(length / _STEP))
    turns = np.exp(-3 * np.arange(num_steps) / num_steps)  # most of the bend comes early, as in an arcade
    headings = heading + np.cumsum(bend * turns / turns.sum() + rng.normal(0, tortuosity, num_steps))
    directions = np.stack([np.cos(headings), np.sin(headings)], axis=1)
    points = np.vstack([start, start + np.cumsum(directions, axis=0) * _STEP * radius])
    widths = width * np.linspace(1, 0.3, len(points)) ** 0.8
    yield Vessel(points, widths, opacity)

    if depth == 2 or width < 0.008 * radius:
        return
    for at in rng.integers(num_steps // 6 + 1, num_steps, rng.poisson(4 - 1.5 * depth)):
        side = rng.choice([-1, 1])
        yield from _branches(
            rng,
            start=points[at],
            heading=headings[at - 1] + side * np.radians(rng.uniform(25, 65)),
            bend=-side * np.radians(rng.uniform(0, 35)),
            length=length * rng.uniform(0.25, 0.55),
            width=widths[at] * rng.uniform(0.45, 0.75),
            opacity=opacity * 0.92,
            tortuosity=tortuosity * 1.3,
            radius=radius,
            depth=depth + 1,
        )


def paint_vessels(vessels: list[Vessel], size: Size) -> np.ndarray:
    """(H, W) float32 in 0..1: the share of light that blood takes away at each pixel."""
    canvas = np.zeros((size.height * _OVERSAMPLING, size.width * _OVERSAMPLING), np.uint8)
    fixed_point = _OVERSAMPLING * 2**_SUBPIXEL_BITS
    for vessel in vessels:
        points = np.round(vessel.points * fixed_point).astype(np.int32)
        widths = np.maximum(1, np.round(vessel.widths * _OVERSAMPLING)).astype(int)
        ends = [*(np.flatnonzero(np.diff(widths)) + 1), len(points) - 1]
        for first, last in zip([0, *ends[:-1]], ends, strict=True):
            # Below a pixel a vessel cannot get thinner, so it gets fainter.
            fading = min(1, vessel.widths[first] * _OVERSAMPLING / widths[first])
            piece, colour = points[first : last + 1], 255 * vessel.opacity * fading
            cv2.polylines(canvas, [piece], False, colour, int(widths[first]), cv2.LINE_AA, _SUBPIXEL_BITS)
    return cv2.resize(canvas, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
