"""An exported model: a picture in, a label map of its size out."""

from pathlib import Path

import cv2
import numpy as np
from bundle import read_bundle
from engines import open_network
from errors import EdgeError
from preprocessing import Preprocessing, Step, label_map

WEIGHT = 0.6  # of the picture in an overlay; the colours get the rest


class Segmenter:
    """An exported model.

    Attributes:
        bundle: what its ``deploy.yaml`` says.
        title: what runs it.

    Args:
        config: ``deploy.yaml``, or its folder.
        engine: ``onnxruntime``, ``openvino``, ``executorch``, or ``auto`` for the first that is installed.
        threads: to compute with.

    Raises:
        EdgeError: the model cannot be used here.
    """

    def __init__(self, config: Path, *, engine: str = "auto", threads: int = 1) -> None:
        self.bundle = bundle = read_bundle(config)
        self._preprocess = None if bundle.picture_input else Preprocessing(bundle.transforms, to_rgb=bundle.to_rgb)
        cv2.setNumThreads(threads)
        self.title, self._network = open_network(bundle.model, bundle.format, engine, threads)

    def prepare(self, picture: np.ndarray) -> tuple[np.ndarray, list[Step]]:
        """(H, W, 3) uint8 RGB -> the network's input, and what to undo afterwards.

        Raises:
            EdgeError: the model was exported for another size.
        """
        batch, steps = (picture[None], []) if self._preprocess is None else self._preprocess(picture)
        height, width = batch.shape[1:3] if self._preprocess is None else batch.shape[2:]
        count, _, high, wide = self.bundle.input_shape
        if high not in (-1, height) or wide not in (-1, width):
            raise EdgeError(
                f"a picture is {width}x{height} (width x height) after preprocessing, but this model was exported for "
                f"{wide}x{high} only: export with a Resize or Padding in the transforms, or without --input_shape"
            )
        return np.repeat(batch, max(count, 1), axis=0), steps

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The network's output for the first picture: (h, w) labels or (K, h, w) scores.

        Raises:
            EdgeError: the library fails.
        """
        try:
            return self._network(batch)[0]
        except Exception as error:  # the libraries' errors have no base in common
            raise EdgeError(f"{self.title} cannot run {self.bundle.model}: {' '.join(str(error).split())}") from error

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 RGB -> (H, W) class ids."""
        batch, steps = self.prepare(picture)
        return label_map(self.run(batch), steps)

    def overlay(self, picture: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Lay the colours of the classes over a picture; a class whose colour is black does not hide it.

        Args:
            picture: (H, W, 3) uint8 RGB.
            labels: (H, W) class ids.
        """
        colours = np.zeros((int(np.iinfo(labels.dtype).max) + 1, 3), np.uint8)
        colours[: len(self.bundle.palette)] = self.bundle.palette
        blended = cv2.addWeighted(picture, WEIGHT, colours[labels], 1 - WEIGHT, 0)
        return cv2.copyTo(blended, colours.any(axis=1).astype(np.uint8)[labels], picture.copy())
