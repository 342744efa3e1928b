"""What the logits of a picture say, as files that one can look at and read again."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segwright.engine.inference import decide
from segwright.images import (
    BACKGROUND,
    IMAGE_SUFFIXES,
    Palette,
    custom_palette,
    default_palette,
    join_maps,
    overlay,
    overlay_maps,
    topmost,
    write_image,
    write_label_map,
)

OVERLAYS, LABEL_MAPS, STACKS = "added_prediction", "pseudo_color_prediction", "multilabel_prediction"


class Places(NamedTuple):
    """Where the results of one picture go."""

    overlay: Path
    label_map: Path
    stack: Path

    @classmethod
    def below(cls, save_dir: Path, picture: Path, png: Path) -> "Places":
        """From the picture's path below its folder, and that path ending in .png."""
        if picture.suffix.lower() not in IMAGE_SUFFIXES:  # a name that does not tell the picture's format
            picture = picture.with_name(picture.name + ".png")
        return cls(save_dir / OVERLAYS / picture, save_dir / LABEL_MAPS / png, save_dir / STACKS / png)


class Colours(NamedTuple):
    """Colours that are asked for: of all classes, and, stronger, r g b r g b ... of the first."""

    palette: Palette | None = None
    custom: Sequence[int] = ()

    def completed(self, default: Palette) -> Palette:
        """One for each class; ``default`` where none is asked for."""
        first = custom_palette(self.custom, 0) if self.custom else []
        asked = [*first, *(self.palette or ())[len(first) :]]
        return [*asked, *default[len(asked) :]][: len(default)]


def write_ids(places: Places, image: np.ndarray, logits: Tensor, colours: Colours) -> None:
    """Overlay and label map of (H, W, 3) uint8 RGB and (1, C, H, W) logits: one class a pixel."""
    num_classes = logits.shape[1]
    ids = decide(logits)[0].to(torch.uint8 if num_classes <= 256 else torch.int32).cpu().numpy()
    palette = colours.completed(default_palette(num_classes))
    write_image(places.overlay, overlay(image, ids, palette))
    write_label_map(places.label_map, ids, palette)


def write_maps(places: Places, image: np.ndarray, logits: Tensor, colours: Colours, num_auxiliary: int = 0) -> None:
    """The same where a pixel may have several classes or none, and the maps of all classes side by side.

    The first ``num_auxiliary`` classes are left out: they stand for the absence of others.
    """
    found = decide(logits, multilabel=True)[0, num_auxiliary:]
    maps = found.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
    palette = colours.completed(default_palette(maps.shape[2] + 1)[1:])
    write_image(places.overlay, overlay_maps(image, maps, palette))
    write_label_map(places.label_map, topmost(maps), [BACKGROUND, *palette])
    write_label_map(places.stack, join_maps(maps), default_palette(2))
