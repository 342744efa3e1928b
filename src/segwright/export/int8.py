"""A float32 graph in int8, with as many layers left in float32 as keeping its mIoU takes."""

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from segwright.bundle import Shape
from segwright.console import track
from segwright.errors import ExportError
from segwright.export.dataset_scores import Examination
from segwright.export.kept_layers import fewest_kept
from segwright.export.pictures import fits
from segwright.export.quantise import Method, Quantiser
from segwright.images import read_image

NOISE_PICTURES = 2  # whose activations are compared layer by layer

log = logging.getLogger("segwright")


@dataclass(frozen=True)
class Calibration:
    """How activations are watched.

    Attributes:
        pictures: files or (H, W, 3) uint8 RGB arrays like those that the model will meet; best of the training data.
        method: how ranges are taken from what is seen; see ``Quantiser``.
    """

    pictures: Iterable[Path | np.ndarray]
    method: Method = "percentile"


@dataclass(frozen=True)
class Quantised:
    """What became of the layers.

    Attributes:
        method: of calibration.
        pictures: how many it saw.
        layers: that can be quantised.
        kept: names of those that stayed in float32.
    """

    method: Method
    pictures: int
    layers: int
    kept: tuple[str, ...]


@dataclass
class ToInt8:
    """Rewrites an ONNX file in int8.

    Attributes:
        calibration: with what.
        examination: data with labels; mIoU on it decides which layers are quantised.
        max_miou_loss: by how much it may fall, 0..1.
        shape: N, C, H, W of the network's input; -1 is free.
        bit_depth: of calibration files with more than 8 bits per value.
        result: what became of the layers, once there is a file.
    """

    calibration: Calibration
    examination: Examination
    max_miou_loss: float
    shape: Shape
    bit_depth: int | None = None
    result: Quantised | None = None

    def __call__(self, graph: Path) -> None:
        """Rewrite the file.

        Raises:
            ExportError: mIoU falls too far unless every layer stays in float32, or a picture has not the graph's size.
            ConfigError: there are no pictures, or no such method.
            DataError: a picture cannot be used.
        """
        with TemporaryDirectory() as scratch:
            first: list[np.ndarray] = []
            quantiser = Quantiser(graph, Path(scratch), self._batches(first), self.calibration.method)
            candidate = Path(scratch) / "candidate.onnx"

            def loss(kept: Sequence[str]) -> float:
                quantiser.write(candidate, kept)
                scores = self.examination.compare(candidate, "onnx", "int8")
                log.info("int8, %d of %d layers in float32: %s", len(kept), len(quantiser.layers), scores)
                return scores.loss

            kept: list[str] = []
            if loss(kept) > self.max_miou_loss:
                ranked = quantiser.noisiest(candidate, first)
                kept = fewest_kept(loss, ranked, self.max_miou_loss)
            if len(kept) == len(quantiser.layers):
                raise ExportError(
                    f"mIoU falls by more than {100 * self.max_miou_loss:g} points unless every layer stays in float32: "
                    "allow more with --max_miou_loss, calibrate with other or more pictures, or use --precision fp32"
                )
            quantiser.write(candidate, kept)
            shutil.move(candidate, graph)
        self.result = Quantised(self.calibration.method, quantiser.pictures, len(quantiser.layers), tuple(kept))

    def _batches(self, first: list[np.ndarray]) -> Iterator[np.ndarray]:
        """Inputs for calibration; the first stay in ``first``."""
        for number, picture in enumerate(track(self.calibration.pictures, "calibrating"), start=1):
            image = picture if isinstance(picture, np.ndarray) else read_image(picture, bit_depth=self.bit_depth)
            item = self.examination.prepare(image)
            if not fits(item, self.shape):
                raise ExportError(
                    f"calibration picture {number} is {item.size} (width x height) after the validation transforms, "
                    f"but --input_shape asks for height {self.shape[2]} and width {self.shape[3]}: make them agree"
                )
            batch = np.repeat(item.tensor[None], self.examination.batch_size, axis=0)
            if number <= NOISE_PICTURES:
                first.append(batch)
            yield batch
