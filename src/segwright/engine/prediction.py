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
from segwright.engine.results import LABEL_MAPS, OVERLAYS, STACKS, Colours, Places, write_ids, write_maps
from segwright.errors import DataError
from segwright.images import Palette, list_images, output_paths, read_image
from segwright.transforms import Compose
from segwright.weights import load_weights

log = logging.getLogger("segwright")


@dataclass(frozen=True)
class Predictions:
    """What a prediction run wrote.

    Attributes:
        label_maps: paletted PNG files whose pixel values are class ids, one for each picture that could be read.
        stacks: with ``multilabel``, files with a map for each class, label files in their turn.
        failures: pictures that could not be read, with the reason.
    """

    label_maps: list[Path] = field(default_factory=list)
    stacks: list[Path] = field(default_factory=list)
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
    multilabel: bool = False,
) -> Predictions:
    """Predict pictures and write ``added_prediction/`` (overlays) and ``pseudo_color_prediction/`` (label maps).

    With ``multilabel`` a pixel has every class whose sigmoid is above one half. ``multilabel_prediction/`` then holds
    maps of 0 and 1, one for each class, side by side, as the label files of such data do. The label maps are to look
    at: 0 is no class, k + 1 says that class k is the last of the pixel's. The class that
    ``AddMultiLabelAuxiliaryCategory`` adds is left out everywhere, and not counted.

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
        multilabel: a pixel may have several classes, or none.

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
    for folder in (OVERLAYS, LABEL_MAPS, *([STACKS] if multilabel else [])):
        ensure_folder(Path(save_dir) / folder)
    target = select_device(device)
    model.to(target)
    compose = transforms if isinstance(transforms, Compose) else Compose(transforms)
    compose.check_for_prediction()
    images = [Path(image) for image in image_list]
    source = Path(image_dir) if image_dir is not None else images[0].parent
    result = Predictions()
    names = zip(output_paths(images, source), output_paths(images, source, ".png"), strict=True)
    jobs = list(zip(images, [Places.below(Path(save_dir), *pair) for pair in names], strict=True))
    num_auxiliary = len(compose.auxiliary) if multilabel else 0
    colours = Colours(palette and palette[num_auxiliary:], custom_color or ())
    with evaluating(model):
        for image, places in track(jobs, "predicting"):
            try:
                rgb = read_image(image)
            except DataError as error:
                result.failures[image] = str(error)
                continue
            logits = _logits(model, rgb, compose, procedure or Procedure(), target)
            if multilabel:
                write_maps(places, rgb, logits, colours, num_auxiliary)
                result.stacks.append(places.stack)
            else:
                write_ids(places, rgb, logits, colours)
            result.label_maps.append(places.label_map)
    _report(result, Path(save_dir))
    return result


def find_images(path: str | Path) -> tuple[list[Path], Path]:
    """Pictures behind a path (a picture, a folder, a text file that lists some), and the folder they lie below."""
    path = Path(path)
    return list_images(path), path if path.is_dir() else path.parent


def _logits(
    model: nn.Module, rgb: np.ndarray, compose: Compose, procedure: Procedure, device: torch.device
) -> torch.Tensor:
    """(1, C, H, W) at the picture's own size."""
    sample = compose(rgb.astype(np.float32), seed=0)
    image = torch.from_numpy(np.ascontiguousarray(sample.image.transpose(2, 0, 1), dtype=np.float32))[None]
    return infer(model, image.to(device), sample.geometry, procedure)


def _report(result: Predictions, save_dir: Path) -> None:
    if result.label_maps:
        log.info("Label maps are in %s, overlays in %s", save_dir / LABEL_MAPS, save_dir / OVERLAYS)
    if result.stacks:
        log.info("The maps of each class are in %s", save_dir / STACKS)
    for image, reason in result.failures.items():
        log.error("not predicted: %s", reason if str(image) in reason else f"{image}: {reason}")
