"""Colours for class ids."""

from collections.abc import Sequence

import cv2
import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.types import Size

Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""

Palette = Sequence[Colour]
"""Entry i is the colour of class i."""

BACKGROUND: Colour = (0, 0, 0)
"""Overlays let the picture show through unchanged where a class has this colour."""


def default_palette(num_classes: int) -> list[Colour]:
    """Black for class 0, which is nearly always the background; the others as PaddleSeg colours them.

    Those are the colours of PASCAL VOC, shifted by one, so that class 1 is green: bits 0, 1, 2 of the number, then
    3, 4, 5 and so on, become the highest bits left in red, green and blue.
    """
    palette: list[Colour] = [BACKGROUND]
    for number in range(2, num_classes + 1):
        red = green = blue = 0
        for place in range(8):
            triple = number >> (3 * place)
            red |= (triple & 1) << (7 - place)
            green |= (triple >> 1 & 1) << (7 - place)
            blue |= (triple >> 2 & 1) << (7 - place)
        palette.append((red, green, blue))
    return palette


def custom_palette(values: Sequence[int], num_classes: int) -> list[Colour]:
    """Colours from a flat list ``r g b r g b ...``; classes beyond its end keep their default colour.

    Raises:
        ConfigError: the list is not made of whole colours, or a value is not 0..255.
    """
    if len(values) % 3:
        raise ConfigError(f"custom colours are triples r g b r g b ..., got {len(values)} numbers, not a multiple of 3")
    outside = [value for value in values if not 0 <= value <= 255]
    if outside:
        raise ConfigError(f"custom colours are numbers 0 to 255, got {', '.join(map(str, outside[:5]))}")
    own: list[Colour] = [(values[i], values[i + 1], values[i + 2]) for i in range(0, len(values), 3)]
    return own + default_palette(num_classes)[len(own) :]


def overlay(image: np.ndarray, label: np.ndarray, palette: Palette, weight: float = 0.6) -> np.ndarray:
    """Blend a label map over its picture.

    Args:
        image: (H, W, 3) uint8, RGB.
        label: (H, W) class ids; where an id has no colour, like 255 for ignored pixels, or the colour of the
            background, the picture shows unchanged.
        palette: colour of each class.
        weight: share of the picture, 0..1; the colours get the rest.

    Returns:
        (H, W, 3) uint8, RGB: round(weight * image + (1 - weight) * colour).

    Raises:
        DataError: image and label differ in size.
        ConfigError: ``weight`` is not 0..1.
    """
    if not 0 <= weight <= 1:
        raise ConfigError(f"the weight of the picture in an overlay is 0 to 1, got {weight}")
    if image.shape[:2] != label.shape:
        raise DataError(f"cannot lay a {Size.of(label)} label map over a {Size.of(image)} picture")
    count = len(palette)
    if label.dtype == np.uint8:
        places, count = label, max(256, count)
    else:
        places = np.where((label >= 0) & (label < count), label, count)
    colours = np.zeros((count + 1, 3), np.uint8)
    colours[: len(palette)] = palette
    is_seen = (colours != BACKGROUND).any(axis=1).astype(np.uint8)
    blended = cv2.addWeighted(image, weight, colours[places], 1 - weight, 0)
    return cv2.copyTo(blended, is_seen[places], image.copy())


def overlay_maps(image: np.ndarray, maps: np.ndarray, palette: Palette, weight: float = 0.6) -> np.ndarray:
    """Blend maps that may overlap over their picture, each in its colour and outlined, the last on top.

    Args:
        image: (H, W, 3) uint8, RGB.
        maps: (H, W, K) of 0 and 1.
        palette: colour of each map; one of the background's colour is not shown.
        weight: share of what lies below, 0..1; the colour gets the rest.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        DataError: image and maps differ in size.
        ConfigError: ``weight`` is not 0..1.
    """
    square = np.ones((3, 3), np.uint8)
    for area, colour in zip(np.moveaxis(maps.astype(np.uint8, copy=False), -1, 0), palette, strict=True):
        if colour == BACKGROUND or not area.any():
            continue
        area = np.ascontiguousarray(area)
        image = overlay(image, area, (BACKGROUND, colour), weight)
        image[area > cv2.erode(area, square)] = colour
    return image
