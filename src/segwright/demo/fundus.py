"""Pictures that look like photographs of the retina, with the optic disc labelled, made from a seed.

They stand in for a real data set in the demo: no download, no licence, no patient. What makes the real task hard is
there: light from one side, vignetting, colour casts, blur, noise, reflections of the lens, bright lesions that are
not the disc, discs at the edge of the field, and pictures without one.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from segwright.atomic import new_folder, write_text
from segwright.demo.vessels import grow_tree, paint_vessels
from segwright.images import default_palette, write_image, write_label_map
from segwright.types import Size

CLASS_NAMES = ("background", "optic disc")

_MISSING_DISC_SHARE = 0.1
# Reflectance, RGB in 0..1; every eye is a mixture.
_TISSUES = np.array([[0.68, 0.30, 0.09], [0.66, 0.20, 0.07], [0.50, 0.33, 0.20], [0.72, 0.36, 0.10]], np.float32)
_DISCS = np.array([[1.05, 0.70, 0.32], [1.05, 0.76, 0.48], [0.98, 0.60, 0.25]], np.float32)
_CUPS = np.array([[1.18, 0.98, 0.58], [1.15, 1.0, 0.76]], np.float32)
_BLOOD_ABSORBS = np.array([0.36, 0.80, 0.86], np.float32)


@dataclass(frozen=True)
class Eye:
    """Where things lie in one picture. Lengths and positions are pixels, positions (2,) arrays of x and y."""

    size: Size
    centre: np.ndarray
    radius: float
    disc: np.ndarray
    disc_radius: float
    macula: np.ndarray
    temporal: int  # +1: the macula lies to the right of the disc


def draw_fundus(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """One picture and its label; the same generator state gives the same pair.

    Returns:
        image: (H, W, 3) uint8 RGB, a lit retina on black.
        label: (H, W) uint8, 1 on the optic disc and 0 elsewhere; all 0 where the disc lies outside the field.
    """
    eye = _pose(rng, size)
    tissue = _tissue(rng, eye)
    disc = _disc_distance(rng, eye)
    reflectance = _add_disc(rng, eye, tissue, disc)
    blood = paint_vessels(grow_tree(rng, eye.disc, eye.disc_radius, eye.radius, eye.temporal), size)
    reflectance *= 1 - blood[..., None] * _BLOOD_ABSORBS * rng.uniform(0.55, 0.95)
    _add_lesions(rng, eye, reflectance)

    field = _field_of_view(rng, eye)
    image = reflectance * _illumination(rng, eye)[..., None]
    image += _reflections(rng, eye)
    image = _photograph(rng, eye, image, field)
    label = ((disc <= 1) & (field > 0.5)).astype(np.uint8)
    return image, label


def write_dataset(root: Path, *, num_train: int = 44, num_val: int = 16, size: Size, seed: int = 0) -> None:
    """Fill a new folder in the layout of ``OpticDiscSeg``; an older one of that name is replaced.

    ``JPEGImages`` and ``Annotations`` hold the pairs, ``train_list.txt`` and ``val_list.txt`` name them.
    """
    palette = default_palette(len(CLASS_NAMES))
    with new_folder(root) as folder:
        for split, num_pairs in (("train", num_train), ("val", num_val)):
            lines = []
            for index in range(num_pairs):
                rng = np.random.default_rng([seed, split == "val", index])
                image, label = draw_fundus(rng, size)
                names = f"JPEGImages/{split}_{index:03d}.jpg", f"Annotations/{split}_{index:03d}.png"
                write_image(folder / names[0], image)
                write_label_map(folder / names[1], label, palette)
                lines.append(" ".join(names))
            write_text(folder / f"{split}_list.txt", "\n".join(lines) + "\n")


def _rgb(red: float, green: float, blue: float) -> np.ndarray:
    return np.array([red, green, blue], np.float32)


def _pose(rng: np.random.Generator, size: Size) -> Eye:
    """Place retina, disc and macula."""
    short_side = min(size)
    radius = rng.uniform(0.46, 0.54) * short_side
    centre = np.array([size.width, size.height]) / 2 + rng.normal(0, 0.012, 2) * short_side
    temporal = int(rng.choice([-1, 1]))
    disc_radius = rng.uniform(0.18, 0.31) * radius
    if rng.random() < _MISSING_DISC_SHARE:  # out of the field, though its vessels reach in
        distance = rng.uniform(1.1, 1.5) * radius + 1.5 * disc_radius
        angle = rng.normal(0, 0.35)
    else:
        distance = np.sqrt(rng.uniform(0, 1)) * 0.72 * radius
        angle = rng.uniform(-np.pi, np.pi) if rng.random() < 0.4 else rng.normal(0, 0.5)
    disc = centre + distance * np.array([-temporal * np.cos(angle), np.sin(angle)])
    macula = disc + disc_radius * np.array([temporal * rng.uniform(4.2, 5.4), rng.uniform(0.1, 1.1)])
    return Eye(size, centre, radius, disc, disc_radius, macula, temporal)


def _offsets(eye: Eye, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x, (1, W), and y, (H, 1), of every pixel's centre as seen from ``point``."""
    columns = np.arange(eye.size.width, dtype=np.float32)[None] + 0.5
    rows = np.arange(eye.size.height, dtype=np.float32)[:, None] + 0.5
    return columns - np.float32(point[0]), rows - np.float32(point[1])


def _distance(eye: Eye, point: np.ndarray) -> np.ndarray:
    """(H, W) float32, in pixels."""
    x, y = _offsets(eye, point)
    return np.sqrt(x**2 + y**2)


def _ramp(values: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Smoothly from 0 at ``start`` to 1 at ``stop``, which may be the smaller one."""
    t = np.clip((values - start) / (stop - start), 0, 1)
    return t * t * (3 - 2 * t)


def _clouds(rng: np.random.Generator, size: Size, grain: float) -> np.ndarray:
    """(H, W) float32 noise without edges, around 0 and mostly within ±1.5; ``grain`` is its wavelength in pixels."""
    height, width = (max(4, round(side / grain)) for side in size)
    return cv2.resize(rng.standard_normal((height, width), np.float32), size[::-1], interpolation=cv2.INTER_CUBIC)


def _tissue(rng: np.random.Generator, eye: Eye) -> np.ndarray:
    """(H, W, 3) float32 reflectance of the retina without disc and vessels."""
    base = rng.dirichlet(np.full(len(_TISSUES), 0.6)).astype(np.float32) @ _TISSUES
    pigment = 0.06 * _clouds(rng, eye.size, eye.radius / 2) + 0.025 * _clouds(rng, eye.size, eye.radius / 18)
    # Vessels of the choroid shine through as a net: the zero lines of smooth noise.
    net = sum(1 - np.minimum(1, np.abs(_clouds(rng, eye.size, eye.radius / grain)) * 1.5) for grain in (9, 15, 24))
    net *= _ramp(_clouds(rng, eye.size, eye.radius / 2), -0.8, 0.8) * _ramp(_distance(eye, eye.macula), 0, eye.radius)
    pigment += rng.choice([0.02, 0.07, 0.16]) * net
    tissue = base * (1 + pigment[..., None] * _rgb(0.9, 1.1, 0.8))

    around_macula = _distance(eye, eye.macula) / eye.radius
    darkness = rng.uniform(0.25, 0.5) * np.exp(-((around_macula / rng.uniform(0.16, 0.26)) ** 2))
    darkness += 0.2 * np.exp(-((around_macula / 0.05) ** 2))  # the fovea
    return tissue * (1 - darkness[..., None] * _rgb(0.75, 1, 0.9))


def _disc_distance(rng: np.random.Generator, eye: Eye) -> np.ndarray:
    """(H, W) float32: distance from the disc's centre in units of its slightly uneven rim, so 1 is the border."""
    x, y = _offsets(eye, eye.disc)
    tilt, stretch = rng.normal(0, 0.25), rng.uniform(1.0, 1.16)
    along = (x * np.cos(tilt) + y * np.sin(tilt)) * np.sqrt(stretch)
    across = (y * np.cos(tilt) - x * np.sin(tilt)) / np.sqrt(stretch)
    angle = np.arctan2(across, along)
    uneven = 1 + 0.025 * np.cos(2 * angle + rng.uniform(0, 6)) + 0.015 * np.cos(3 * angle + rng.uniform(0, 6))
    return (np.sqrt(along**2 + across**2) / (eye.disc_radius * uneven)).astype(np.float32)


def _add_disc(rng: np.random.Generator, eye: Eye, tissue: np.ndarray, disc: np.ndarray) -> np.ndarray:
    """The tissue with the disc in it: a halo or crescent of atrophy, a soft rim, and the paler cup."""
    rim = rng.dirichlet(np.ones(len(_DISCS))).astype(np.float32) @ _DISCS
    rim = np.maximum(rim, _rgb(1.15, 2.1, 2.1) * tissue.mean(axis=(0, 1)))  # paler than the palest retina
    cup = rng.dirichlet(np.ones(len(_CUPS))).astype(np.float32) @ _CUPS
    x, _ = _offsets(eye, eye.disc)
    sideways = np.clip(eye.temporal * x / eye.disc_radius, -1, 1)

    halo = rng.uniform(-0.25, 0.1) * _ramp(disc, 1.5, 1.0) * (0.6 + 0.4 * sideways)
    reflectance = tissue * (1 + halo[..., None])

    softness = rng.uniform(0.05, 0.16)
    inside = _ramp(disc, 1 + softness, 1 - softness) * rng.uniform(0.85, 1)
    rim_shade = rng.uniform(0.9, 1.05) + 0.08 * sideways  # the temporal rim is paler
    reflectance += inside[..., None] * (rim * rim_shade[..., None] - reflectance)

    cup_centre = eye.disc + eye.disc_radius * np.array([eye.temporal * rng.uniform(0, 0.2), rng.uniform(-0.1, 0.1)])
    from_cup = _distance(eye, cup_centre) / eye.disc_radius
    cup_radius = rng.uniform(0.3, 0.68)
    in_cup = _ramp(from_cup, cup_radius + 0.18, cup_radius - 0.12) * inside * rng.uniform(0.5, 1)
    return reflectance + in_cup[..., None] * (cup - reflectance)


def _place_away_from_disc(rng: np.random.Generator, eye: Eye) -> np.ndarray | None:
    """A point of the retina well off the disc, or None if chance finds none."""
    for _ in range(8):
        angle, distance = rng.uniform(-np.pi, np.pi), np.sqrt(rng.uniform(0.02, 0.7)) * eye.radius
        point = eye.centre + distance * np.array([np.cos(angle), np.sin(angle)])
        if np.linalg.norm(point - eye.disc) > 1.6 * eye.disc_radius + 0.3 * eye.radius:
            return point
    return None


def _add_lesions(rng: np.random.Generator, eye: Eye, reflectance: np.ndarray) -> None:
    """Draw into ``reflectance`` what a careless model takes for the disc, and what hides it."""
    exudate, cotton_wool = _rgb(1.0, 0.82, 0.42), _rgb(0.95, 0.78, 0.6)
    haemorrhage = _rgb(0.30, 0.05, 0.03)
    for colour, chance, spread, threshold, softness in (
        (exudate, 0.2, (0.10, 0.24), 0.75, 0.35),
        (cotton_wool, 0.15, (0.07, 0.12), 0.2, 1.0),
        (haemorrhage, 0.25, (0.12, 0.28), 0.85, 0.35),
    ):
        place = _place_away_from_disc(rng, eye)
        if place is None or rng.random() > chance:
            continue
        extent = rng.uniform(*spread) * eye.radius
        envelope = np.exp(-((_distance(eye, place) / extent) ** 2))
        spots = _clouds(rng, eye.size, max(2.5, eye.radius / 27)) * 0.5 + envelope
        cover = _ramp(spots, threshold, threshold + softness) * _ramp(envelope, 0.15, 0.4) * rng.uniform(0.6, 0.95)
        reflectance += cover[..., None] * (colour - reflectance)


def _illumination(rng: np.random.Generator, eye: Eye) -> np.ndarray:
    """(H, W) float32 light: brightest somewhere off the middle, less towards the edge, at times a shadow."""
    light_from = eye.centre + rng.normal(0, 0.28, 2) * eye.radius
    light = 1.08 - rng.uniform(0.15, 0.5) * (_distance(eye, light_from) / eye.radius) ** 2
    light = np.maximum(light, 0.3) * (1 - rng.uniform(0.1, 0.4) * (_distance(eye, eye.centre) / eye.radius) ** 4)
    if rng.random() < 0.35:  # the iris, or a lid, in the way
        angle = rng.uniform(-np.pi, np.pi)
        x, y = _offsets(eye, eye.centre)
        along = (x * np.cos(angle) + y * np.sin(angle)) / eye.radius
        light *= 1 - rng.uniform(0.4, 0.85) * _ramp(along, rng.uniform(-0.1, 0.4), rng.uniform(0.8, 1.3))
    return np.maximum(light, 0.06)


def _reflections(rng: np.random.Generator, eye: Eye) -> np.ndarray:
    """(H, W, 3) float32 light that the lens adds: haze, a crescent at the border, small ghosts."""
    haze = np.float32(rng.uniform(0, 0.06)) * _rgb(0.9, 1.0, 0.9)
    added = np.tile(haze, (*eye.size, 1))
    away = eye.centre - eye.disc  # never on the disc itself
    angle = np.arctan2(away[1], away[0]) + rng.uniform(-0.9, 0.9)
    direction = np.array([np.cos(angle), np.sin(angle)])
    if rng.random() < 0.25:
        bow = _distance(eye, eye.centre - direction * rng.uniform(0.25, 0.5) * eye.radius) / eye.radius
        crescent = _ramp(bow, rng.uniform(1.16, 1.26), rng.uniform(1.34, 1.5))
        added += crescent[..., None] * _rgb(0.95, 0.75, 0.22) * rng.uniform(0.4, 1.0)
    if rng.random() < 0.25:
        for _ in range(rng.integers(1, 4)):
            spot = eye.centre + direction * rng.uniform(0.3, 0.75) * eye.radius + rng.normal(0, 0.08, 2) * eye.radius
            ghost = _ramp(_distance(eye, spot) / eye.radius, rng.uniform(0.06, 0.14), 0.02)
            added += ghost[..., None] * _rgb(0.35, 0.55, 0.5) * rng.uniform(0.3, 1.0)
    return added


def _field_of_view(rng: np.random.Generator, eye: Eye) -> np.ndarray:
    """(H, W) float32, 1 within the camera's round field, 0 outside: at times flattened, at times with a notch."""
    x, y = _offsets(eye, eye.centre)
    field = _ramp(np.sqrt(x**2 + y**2), eye.radius + 0.7, eye.radius - 0.7)
    if rng.random() < 0.4:
        half_height = rng.uniform(0.82, 0.95) * eye.radius
        field = field * _ramp(np.abs(y), half_height + 0.7, half_height - 0.7)
    elif rng.random() < 0.3:
        tab = (np.abs(x - 0.72 * eye.radius) < 0.035 * eye.radius) & (
            np.abs(y + 0.72 * eye.radius) < 0.035 * eye.radius
        )
        field = np.maximum(field, tab)
    return field.astype(np.float32)


def _photograph(rng: np.random.Generator, eye: Eye, image: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Light to pixels: focus, colour cast, exposure, film response, noise. Returns (H, W, 3) uint8."""
    defocus = rng.choice([0.004, 0.008, 0.02], p=[0.55, 0.3, 0.15]) * rng.uniform(0.5, 1.2) * eye.radius
    image = cv2.GaussianBlur(image, (0, 0), max(0.3, defocus))
    cast = rng.normal(1, [0.04, 0.06, 0.12]).astype(np.float32)
    exposure = rng.choice([0.45, 0.95, 1.35], p=[0.12, 0.76, 0.12]) * rng.uniform(0.85, 1.2)
    light = np.maximum(image * cast * np.float32(exposure), 0)
    light /= (1 + light**4) ** 0.25  # bright parts saturate gently, and never change order
    light = light**0.9 + rng.standard_normal(light.shape, np.float32) * np.float32(rng.uniform(0.004, 0.022))
    return (np.clip(light * field[..., None], 0, 1) * 255 + 0.5).astype(np.uint8)
