"""Drawn streets for test chains: quick to make, and a network learns something from them within a few steps."""

import numpy as np

from segwright.types import Size

ROAD, SIDEWALK, BUILDING, VEGETATION, SKY, CAR = 0, 1, 2, 8, 10, 13  # Cityscapes' ids
COLOURS = {
    ROAD: (85, 85, 90),
    SIDEWALK: (150, 130, 140),
    BUILDING: (120, 95, 80),
    VEGETATION: (60, 110, 50),
    SKY: (170, 200, 230),
    CAR: (150, 30, 40),
}
NOISE = 12.0  # standard deviation of the grain, in grey levels


def draw_street(rng: np.random.Generator, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """A road between pavements, houses and trees, with a car on it; the same generator state gives the same street.

    Returns:
        image: (H, W, 3) uint8 RGB.
        label: (H, W) uint8 with Cityscapes' ids, the topmost row 255 (ignored).
    """
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    horizon = int(height * rng.uniform(0.35, 0.5))
    vanishing = width * rng.uniform(0.35, 0.65)
    skyline = horizon * rng.uniform(0.1, 0.8, 8)[columns * 8 // width]
    label = np.where(rows > skyline, BUILDING, SKY).astype(np.uint8)
    label[(rows > 0.7 * horizon) & (np.abs(columns - vanishing) > 0.35 * width)] = VEGETATION

    depth = np.clip((rows - horizon) / (height - horizon), 0, None)  # 0 at the horizon, 1 at the lower border
    off_centre = np.abs(columns - (vanishing + (width / 2 - vanishing) * depth)) / width
    label[(rows >= horizon) & (off_centre < 0.1 + 0.6 * depth)] = SIDEWALK
    label[(rows >= horizon) & (off_centre < 0.03 + 0.4 * depth)] = ROAD

    car_height, car_width = height // 6, width // 8
    top, left = int(rng.integers(horizon, height - car_height)), int(rng.integers(width // 4, width // 2))
    label[top : top + car_height, left : left + car_width] = CAR

    palette = np.zeros((256, 3), np.float32)
    for class_id, colour in COLOURS.items():
        palette[class_id] = colour
    light = palette[label] * rng.uniform(0.7, 1.2) + rng.normal(0, NOISE, (height, width, 1))
    label[0] = 255
    return np.clip(light, 0, 255).astype(np.uint8), label
