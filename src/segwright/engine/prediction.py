"""Label maps and overlays for pictures on disk."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from segwright.atomic import ensure_folder
from segwright.console import show_log, track
from segwright.engine.device import select_device
from segwright.engine.evaluation import evaluating
from segwright.engine.inference import Procedure, infer
from segwright.errors import DataError
from segwright.images import (
    IMAGE_SUFFIXES,
    Palette,
    custom_palette,
    default_palette,
    list_images,
    output_paths,
    overlay,
    read_image,
    write_image,
    write_label_map,
)
from segwright.transforms import Compose
from segwright.weights import load_weights

log = logging.getLogger("segwright")

OVERLAYS, LABEL_MAPS = "added_prediction", "pseudo_color_prediction"


@dataclass(frozen=True)
class Predictions:
    """What a prediction run wrote.

    Attributes:
        label_maps: paletted PNG files whose pixel values are class ids, one for each picture that could be read.
        failures: pictures that could not be read, with the reason.
    """

    label_maps: list[Path] = field(default_factory=list)
    failures: dict[Path, str] = field(default_factory=dict)


def predict(
    model: nn.Module,
    model_path: str | Path | None = None,
    *,
    transforms: Compose | Sequence[Callable[..., Any]],
    image_list: Sequence[str | Path],
    image_dir: str | Path | None = None,
    save_dir: str | Path = "output/result",
    procedure: Procedure | None = None,
    custom_color: Sequence[int] | None = None,
    palette: Palette | None = None,
    device: str = "auto",
) -> Predictions:
    """Predict pictures and write ``added_prediction/`` (overlays) and ``pseudo_color_prediction/`` (label maps).

    Args:
        model: gives a list whose first entry is (1, num_classes, H, W) logits.
        model_path: weights to load first; None takes the model as it is.
        transforms: those of validation, as a list or a ``Compose``.
        image_list: pictures to predict.
        image_dir: folder below which sub-folders are kept in the results; default: that of the first picture.
        save_dir: where the two folders go.
        procedure: plain (default), multi-scale and flips, or sliding windows.
        custom_color: flat list r g b r g b ... for the first classes.
        palette: colours of the classes; default: PASCAL VOC's.
        device: ``auto``, ``cpu``, ``gpu``, ``cuda:1`` or ``mps``.

    A picture that cannot be read does not stop the others; it is named at the end and in ``failures``.

    Raises:
        DataError: ``image_list`` is empty.
        OutputError: ``save_dir`` cannot be written to.
    """
    show_log()
    if not image_list:
        raise DataError("image_list is empty; nothing to predict")
    if model_path is not None:
        log.info("%s", load_weights(model, Path(model_path)).summary())
    for folder in (OVERLAYS, LABEL_MAPS):
        ensure_folder(Path(save_dir) / folder)
    target = select_device(device)
    model.to(target)
    compose = transforms if isinstance(transforms, Compose) else Compose(transforms)
    compose.check_for_prediction()
    images = [Path(image) for image in image_list]
    source = Path(image_dir) if image_dir is not None else images[0].parent
    result = Predictions()
    overlays = [Path(save_dir) / OVERLAYS / _as_picture(place) for place in output_paths(images, source)]
    label_maps = [Path(save_dir) / LABEL_MAPS / place for place in output_paths(images, source, ".png")]
    with evaluating(model):
        jobs = list(zip(images, overlays, label_maps, strict=True))
        for image, overlay_path, label_path in track(jobs, "predicting"):
            try:
                rgb = read_image(image)
            except DataError as error:
                result.failures[image] = str(error)
                continue
            label, num_classes = _label_map(model, rgb, compose, procedure or Procedure(), target)
            colours = palette or default_palette(num_classes)
            if custom_color:
                colours = [*custom_palette(custom_color, 0), *colours[len(custom_color) // 3 :]]
            write_image(overlay_path, overlay(rgb, label, colours))
            write_label_map(label_path, label, colours)
            result.label_maps.append(label_path)
    _report(result, Path(save_dir))
    return result


def find_images(path: str | Path) -> tuple[list[Path], Path]:
    """Pictures behind a path (a picture, a folder, a text file that lists some), and the folder they lie below."""
    path = Path(path)
    return list_images(path), path if path.is_dir() else path.parent


def _label_map(
    model: nn.Module, rgb: np.ndarray, compose: Compose, procedure: Procedure, device: torch.device
) -> tuple[np.ndarray, int]:
    """Class ids at the picture's own size, and the number of classes that the model knows."""
    sample = compose(rgb.astype(np.float32), seed=0)
    image = torch.from_numpy(np.ascontiguousarray(sample.image.transpose(2, 0, 1), dtype=np.float32))[None]
    logits = infer(model, image.to(device), sample.geometry, procedure)
    num_classes = logits.shape[1]
    ids = logits.argmax(dim=1)[0].to(torch.uint8 if num_classes <= 256 else torch.int32)
    return ids.cpu().numpy(), num_classes


def _as_picture(path: Path) -> Path:
    """The same name, or one with .png added where a picture's name does not tell its format."""
    return path if path.suffix.lower() in IMAGE_SUFFIXES else path.with_name(path.name + ".png")


def _report(result: Predictions, save_dir: Path) -> None:
    if result.label_maps:
        log.info("Label maps are in %s, overlays in %s", save_dir / LABEL_MAPS, save_dir / OVERLAYS)
    for image, reason in result.failures.items():
        log.error("not predicted: %s", reason if str(image) in reason else f"{image}: {reason}")
