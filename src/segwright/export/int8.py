"""A float32 graph in int8, with as many layers left in float32 as keeping its mIoU takes."""

import logging
import math
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np

from segwright.bundle import Format, Shape
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


class Quantises(Protocol):
    """A network whose activations were watched.

    Attributes:
        pictures: how many inputs were watched.
        layers: names of those that can go to int8.
    """

    pictures: int
    layers: list[str]

    def write(self, path: Path, kept: Collection[str] = ()) -> None:
        """Write the network with all layers in int8 but those ``kept`` in float32."""
        ...

    def noisiest(self, quantised: Path, batches: Iterable[np.ndarray]) -> list[str]:
        """The layers, those first whose integers add most noise; ``quantised`` is what ``write`` made, nothing kept."""
        ...


@dataclass
class ToInt8:
    """Brings a network to int8.

    Attributes:
        calibration: with what.
        examination: data with labels; mIoU on it decides which layers are quantised.
        max_miou_loss: by how much it may fall, 0..1.
        shape: N, C, H, W of the network's input; -1 is free.
        bit_depth: of calibration files with more than 8 bits per value.
        result: what became of the layers, once that is decided.
    """

    calibration: Calibration
    examination: Examination
    max_miou_loss: float
    shape: Shape
    bit_depth: int | None = None
    result: Quantised | None = None
    _first: list[np.ndarray] = field(default_factory=list, repr=False)

    def __call__(self, graph: Path) -> None:
        """Rewrite an ONNX file.

        Raises:
            ExportError: mIoU falls too far unless every layer stays in float32, or a picture has not the graph's size.
            ConfigError: there are no pictures, or no such method.
            DataError: a picture cannot be used.
        """
        with TemporaryDirectory() as scratch:
            quantiser = Quantiser(graph, Path(scratch), self.batches(), self.calibration.method)
            candidate = Path(scratch) / "candidate.onnx"
            self.fewest_in_float(quantiser, candidate, "onnx")
            shutil.move(candidate, graph)

    def fewest_in_float(self, quantiser: Quantises, candidate: Path, file_format: Format) -> list[str]:
        """The layers that have to stay in float32 for mIoU to stay.

        Args:
            quantiser: of the network, calibrated.
            candidate: file to try layers with; in the end it has just these in float32.
            file_format: its format.

        Raises:
            ExportError: that would be all of them.
        """
        tried: list[str] = []

        def loss(kept: Sequence[str]) -> float:
            tried[:] = kept
            quantiser.write(candidate, kept)
            head = f"int8, {len(kept)} of {len(quantiser.layers)} layers in float32"
            try:
                scores = self.examination.compare(candidate, file_format, "int8")
            except ExportError as error:  # XNNPACK has no kernels for scales that are too far apart
                log.info("%s: %s", head, error)
                return math.inf
            log.info("%s: %s", head, scores)
            return scores.loss

        kept: list[str] = []
        if loss(kept) > self.max_miou_loss:
            ranked = quantiser.noisiest(candidate, self._first)
            kept = fewest_kept(loss, ranked, self.max_miou_loss)
        if len(kept) == len(quantiser.layers):
            raise ExportError(
                f"mIoU falls by more than {100 * self.max_miou_loss:g} points unless every layer stays in float32: "
                "allow more with --max_miou_loss, calibrate with other or more pictures, or use --precision fp32"
            )
        if kept != tried:
            quantiser.write(candidate, kept)
        self.result = Quantised(self.calibration.method, quantiser.pictures, len(quantiser.layers), tuple(kept))
        return kept

    def batches(self) -> Iterator[np.ndarray]:
        """Inputs for calibration.

        Raises:
            ExportError: a picture has not the network's size.
            DataError: a picture cannot be used.
        """
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
                self._first.append(batch)
            yield batch
