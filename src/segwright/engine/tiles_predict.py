"""The label map of a picture of any size, in memory for a few of its rows."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from segwright.console import track
from segwright.engine.answer import Colours
from segwright.engine.faults import is_out_of_memory
from segwright.engine.inference import Procedure
from segwright.engine.segmenter import Segmenter
from segwright.engine.tiles import Rows, Tiling, label_bands
from segwright.errors import ConfigError
from segwright.images import Palette, default_palette, overlay, write_image
from segwright.images.large import TILED_MAX_PIXELS, LargePicture, open_large
from segwright.images.large_write import label_rows
from segwright.transforms import Compose, Normalize, ReverseChannels
from segwright.transforms.targets import LabelTransform
from segwright.types import Size

log = logging.getLogger("segwright")

POINTWISE = (Normalize, ReverseChannels, LabelTransform)
"""Transforms that do to a window what they do to it within the whole picture, or nothing."""

OVERVIEW = 4096  # longest side of an overlay
PIECE = 256  # rows that are reduced at once
SMALLEST_WINDOW = 128  # below it, windows are not halved


def predict_large(
    segmenter: Segmenter,
    path: Path,
    label_path: Path,
    *,
    colours: Colours | None = None,
    overlay_path: Path | None = None,
    bit_depth: int | None = None,
    max_pixels: int = TILED_MAX_PIXELS,
) -> Path:
    """Predict a picture window by window and write its label map as it comes, never holding either.

    The label map is that of the same windows in memory. Where memory runs out, it starts again with windows of half the
    size, and says so.

    Args:
        segmenter: whose procedure is sliding windows, without scales and flips.
        path: a PNG, TIFF or JPEG; see ``images.large.open_large``.
        label_path: where to, ending in .png; the label map of a TIFF is a TIFF, its georeference kept, ending in .tif.
        colours: of the classes; default: PASCAL VOC's.
        overlay_path: gets the picture with its label map laid over, reduced to 4096 pixels on the longer side.
        bit_depth: as for ``read_image``.
        max_pixels: larger pictures are refused.

    Returns:
        Where the label map is.

    Raises:
        ConfigError: transforms or the procedure need the whole picture, or memory ran out with the smallest windows.
        DataError, MissingExtraError: the picture cannot be read row by row.
        OSError, OutputError: a result cannot be written.
    """
    procedure = segmenter.procedure
    _check(path, segmenter.compose, procedure)
    while True:
        try:
            with segmenter.ready(), open_large(path, bit_depth=bit_depth, max_pixels=max_pixels) as picture:
                if picture.georeference is not None:
                    label_path = label_path.with_suffix(".tif")
                tiling = Tiling.of(picture.size, procedure)
                return _predict(segmenter, path, picture, label_path, tiling, colours or Colours(), overlay_path)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            procedure = _halved(procedure, path, error)
        if segmenter.device.type == "cuda":
            torch.cuda.empty_cache()


def _predict(
    segmenter: Segmenter,
    path: Path,
    picture: LargePicture,
    label_path: Path,
    tiling: Tiling,
    colours: Colours,
    overlay_path: Path | None,
) -> Path:
    def predict(windows: Sequence[np.ndarray]) -> Tensor:
        images = torch.cat([segmenter.prepare(window).image for window in windows])
        return segmenter.model(images.to(segmenter.device))[0].float()

    num_classes = predict([np.zeros((*tiling.window, 3), np.uint8)] * tiling.together).shape[1]
    memory = (tiling.memory(num_classes) + picture.memory) / 2**30
    log.info(
        "%s: %s pixels, %d windows of %s, %s apart; needs at most %.2f GiB beside the model and its work on %s",
        path, tiling.size, tiling.num_windows, tiling.window, tiling.stride, memory,
        "a window" if tiling.together == 1 else f"{tiling.together} windows",
    )  # fmt: skip
    palette = colours.completed(default_palette(num_classes))
    overview = _Overview(tiling.size, palette)
    bands = label_bands(predict, Rows(picture.pieces), tiling, num_classes=num_classes, device=segmenter.device)
    with label_rows(label_path, tiling.size, palette, picture.georeference) as write:
        for rgb, ids in track(bands, f"predicting {path.name}", total=len(tiling.row_groups)):
            write(ids)
            if overlay_path is not None:
                overview.add(rgb, ids)
        next(picture.pieces, None)  # reads to the end of the file, and so finds out whether it is whole
    if overlay_path is not None:
        write_image(overlay_path, overview.image)
    return label_path


class _Overview:
    """A picture with its label map laid over, reduced by a whole number as its bands come in.

    Attributes:
        image: (h, w, 3) uint8 RGB, filled as far as they have come.
    """

    def __init__(self, size: Size, palette: Palette) -> None:
        self.step = -(-max(size) // OVERVIEW)
        self.palette = palette
        self.image = np.empty((-(-size.height // self.step), -(-size.width // self.step), 3), np.uint8)
        self.num_rows = 0

    def add(self, rgb: np.ndarray, ids: np.ndarray) -> None:
        """The next (n, W, 3) rows of the picture and (n, W) of its label map."""
        for start in range(0, len(rgb), PIECE):
            self._add_piece(rgb[start : start + PIECE], ids[start : start + PIECE])

    def _add_piece(self, rgb: np.ndarray, ids: np.ndarray) -> None:
        rows = slice(-self.num_rows % self.step, None, self.step)
        if len(ids[rows]):
            smooth = cv2.blur(rgb, (self.step, self.step))[rows, :: self.step]
            reduced = overlay(np.ascontiguousarray(smooth), ids[rows, :: self.step], self.palette)
            first = -(-self.num_rows // self.step)
            self.image[first : first + len(reduced)] = reduced
        self.num_rows += len(rgb)


def _check(path: Path, compose: Compose, procedure: Procedure) -> None:
    if procedure.window is None or procedure.augment:
        raise ConfigError(
            f"{path} is to be predicted tile by tile, which takes --is_slide with --crop_size, neither scales nor flips"
        )
    for transform in compose.transforms:
        if not isinstance(transform, POINTWISE):
            name = type(transform).__name__
            raise ConfigError(
                f"{path} is to be predicted tile by tile, but {name} looks at the picture as a whole. If things in "
                f"this picture are as large, in pixels, as those the model was trained on, take {name} out of "
                "val_dataset.transforms; otherwise make the picture smaller first"
            )


def _halved(procedure: Procedure, path: Path, error: BaseException) -> Procedure:
    assert procedure.window is not None
    stride = procedure.stride or procedure.window
    window, stride = (Size(size.height // 2, size.width // 2) for size in (procedure.window, stride))
    if min(window) < SMALLEST_WINDOW:
        raise ConfigError(
            f"memory ran out while {path} was predicted in windows of {procedure.window}; what helps: a larger "
            f"--stride, another --device, fewer other programs. What was asked for: {str(error).splitlines()[0]}"
        ) from error
    log.warning("memory ran out while %s was predicted; starting again with windows of %s", path, window)
    return replace(procedure, window=window, stride=stride, batch_pixels=procedure.batch_pixels // 4)
