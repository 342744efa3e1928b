"""Roads as a small robot's camera sees them, with the road labelled, made from a seed: nothing to download.

The camera looks along a plane. Every pixel below the horizon has a place on it, and what lies there gives its colour:
grass, asphalt with a broken middle line, shadows. So a drive is the same road with the places moved towards the camera.
"""

from pathlib import Path

import cv2
import numpy as np

from segwright.atomic import new_folder, write_text
from segwright.images import default_palette, write_image, write_label_map
from segwright.types import Size

CAMERA_HEIGHT = 0.6  # metres
GRAIN = 256  # side of the noise that everything is made of, in its own pixels


class Road:
    """One road with its weather.

    Args:
        rng: decides all of it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.half_width = rng.uniform(1.2, 2.4)  # metres
        self.beside = rng.uniform(-0.6, 0.6)  # from the camera to the middle
        self.bends = [(rng.uniform(0.2, 1.2), rng.uniform(14, 40), rng.uniform(0, 2 * np.pi)) for _ in range(2)]
        self.horizon = rng.uniform(0.28, 0.42)  # share of the picture that is above it
        self.grass = np.array([rng.uniform(60, 120), rng.uniform(90, 140), rng.uniform(40, 70)])
        self.asphalt = rng.uniform(85, 140) + rng.normal(0, 5, 3)
        self.sky = np.array([rng.uniform(120, 200), rng.uniform(160, 215), rng.uniform(200, 245)])
        self.light = rng.uniform(0.6, 1.1)
        self.has_line = rng.random() < 0.6
        self.shade = rng.uniform(0.0, 0.5)
        self.fine, self.coarse = (_tile(rng, blur) for blur in (0.7, 9.0))

    def photograph(self, size: Size, travelled: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """A picture from ``travelled`` metres along the road.

        Returns:
            (H, W, 3) uint8 RGB, and (H, W) uint8: 1 is road.
        """
        rows = (np.arange(size.height) + 0.5)[:, None] / size.height - self.horizon
        columns = (np.arange(size.width) + 0.5)[None] / size.width - 0.5
        ahead = CAMERA_HEIGHT / np.maximum(rows, 1e-3)  # metres; (H, 1)
        aside = columns * ahead * size.width / size.height  # metres; (H, W)
        along = np.broadcast_to(ahead + travelled, aside.shape)

        from_middle = aside - self._middle(ahead, travelled)
        is_ground = np.broadcast_to(rows > 0, aside.shape)
        is_road = is_ground & (np.abs(from_middle) < self.half_width)
        is_line = is_road & self.has_line & (np.abs(from_middle) < 0.06) & (along % 3 < 1.5)

        sight = np.exp(-ahead / 12)[..., None]  # of what is far away all grain is lost
        grain = _at(self.fine, aside * 60, along * 60)[..., None] * sight
        image = np.where(is_road[..., None], self.asphalt + 12 * grain, self.grass + 26 * grain)
        image = np.where(is_line[..., None], 215 + 10 * grain, image)
        shadow = _at(self.coarse, aside * 6, along * 6)[..., None] > 0.7
        image = image * (1 - self.shade * shadow * is_ground[..., None])
        trees = 0.05 + 0.03 * _at(self.coarse, columns * 90 + travelled, np.zeros_like(columns))
        is_tree = (rows <= 0) & (rows > -trees)
        image = np.where(is_ground[..., None], image, self.sky * (1 + 0.3 * rows[..., None]))
        image = np.where(is_tree[..., None], 0.55 * self.grass, image)
        image = cv2.GaussianBlur(np.clip(image * self.light, 0, 255).astype(np.uint8), (0, 0), 0.6)
        return image, is_road.astype(np.uint8)

    def _middle(self, ahead: np.ndarray, travelled: float) -> np.ndarray:
        """Where the middle of the road is, in metres to the right of the camera, which follows the bends."""

        def bend(place: np.ndarray | float) -> np.ndarray:
            return np.sum([far * np.sin(2 * np.pi * place / long + start) for far, long, start in self.bends], axis=0)

        return self.beside + bend(np.minimum(ahead, 60) + travelled) - bend(travelled)


def write_roads(root: Path, *, num_train: int, num_val: int, size: Size, seed: int = 0) -> None:
    """Fill a new folder with ``images/``, ``labels/``, ``train.txt`` and ``val.txt``; one of that name is replaced."""
    with new_folder(root) as folder:
        for split, count in (("train", num_train), ("val", num_val)):
            lines = []
            for number in range(count):
                image, label = Road(np.random.default_rng([seed, split == "val", number])).photograph(size)
                names = f"images/{split}_{number:03d}.jpg", f"labels/{split}_{number:03d}.png"
                write_image(folder / names[0], image)
                write_label_map(folder / names[1], label, default_palette(2))
                lines.append(" ".join(names) + "\n")
            write_text(folder / f"{split}.txt", "".join(lines))


def write_drive(path: Path, *, frames: int, size: Size, seed: int = 0) -> None:
    """A video of a drive, 12 frames a second at 1.8 metres a second."""
    road = Road(np.random.default_rng(seed))
    path.parent.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 12, size[::-1])
    for frame in range(frames):
        image, _ = road.photograph(size, travelled=0.15 * frame)
        video.write(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    video.release()


def _tile(rng: np.random.Generator, blur: float) -> np.ndarray:
    """(GRAIN, GRAIN) smooth noise of variance 1 that continues at its opposite edges."""
    padded = np.pad(rng.standard_normal((GRAIN, GRAIN)), GRAIN // 4, mode="wrap")
    noise = cv2.GaussianBlur(padded, (0, 0), blur)[GRAIN // 4 : -GRAIN // 4, GRAIN // 4 : -GRAIN // 4]
    return noise / noise.std()


def _at(tile: np.ndarray, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """The noise at places in its own pixels, repeated endlessly."""
    return tile[np.floor(along).astype(int) % GRAIN, np.floor(across).astype(int) % GRAIN]
