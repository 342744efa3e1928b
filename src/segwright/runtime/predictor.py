"""``load("deploy.yaml")`` gives a predictor: a picture in, a label map of the picture's size out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from segwright.bundle import MANIFEST_NAME, Manifest, NetworkInput, Preprocessing, label_map
from segwright.errors import ConfigError, DataError
from segwright.images import read_image
from segwright.runtime.engines import Engine, gains_from_parallel_runs, open_engine
from segwright.runtime.options import EngineOptions
from segwright.types import Size

Picture = np.ndarray | str | Path

SMALL = 1 << 20  # pixels: several inputs of more at the same time might not fit in memory


def load(path: str | Path, options: EngineOptions | None = None, *, pictures: Sequence[str | Path] = ()) -> "Predictor":
    """Open an exported model.

    Args:
        path: a ``deploy.yaml``, or the folder that holds it.
        options: how to run it; by default on the CPU with up to ten threads.
        pictures: what is to be predicted. Where that is several pictures, the first of them is small to the network,
            and the engine can, each thread will run one of them: threads that share each layer of a small input wait
            for each other.

    Raises:
        ExportError: the bundle is incomplete, changed, or newer than this segwright.
        ConfigError: the options cannot be met here.
    """
    path = Path(path)
    if path.is_dir():
        path = path / MANIFEST_NAME
    manifest = Manifest.read(path)
    options = options or EngineOptions()
    asked, given = options.precision, manifest.precision
    if asked and asked != given and "int8" in (asked, given):
        raise ConfigError(
            f"precision {asked}: the model in {path.parent} is {given}. int8 needs one that was quantised with "
            "calibration pictures, and that runs in no other: export for the precision that you want"
        )
    if given == "int8":
        options = replace(options, precision=given)
    elif asked == given and options.device == "cpu":
        options = replace(options, precision=None)  # as exported: CPUs compute in float32 with weights in fp16
    preprocess = _preprocessing(manifest, path)
    if len(pictures) > 1 and gains_from_parallel_runs(manifest.format, options):
        small = _pixels(pictures, preprocess, manifest.bit_depth) <= SMALL
        options = replace(options, parallel=min(options.threads, len(pictures)) if small else 1)
    engine = open_engine(path.parent / manifest.model, manifest.format, options)
    return Predictor(path.parent, manifest, preprocess, engine, options)


def _preprocessing(manifest: Manifest, path: Path) -> Callable[[np.ndarray], NetworkInput]:
    if manifest.picture_input:
        return NetworkInput.raw
    return Preprocessing(
        manifest.transforms, to_rgb=manifest.to_rgb, img_channels=manifest.img_channels, where=f"{path}: transforms"
    )


def _pixels(
    pictures: Iterable[str | Path], preprocess: Callable[[np.ndarray], NetworkInput], bit_depth: int | None
) -> int:
    """Of the input that the first readable picture becomes; 0 if none is."""
    for picture in pictures:
        try:
            size = preprocess(read_image(picture, bit_depth=bit_depth)).size
        except DataError:
            continue
        return size.width * size.height
    return 0


class Predictor:
    """An exported model. Safe to share between threads: a prediction changes nothing in it.

    Attributes:
        folder: the bundle's folder.
        manifest: what its ``deploy.yaml`` says.
        preprocess: from a picture to the network's input.
        engine: the library that runs it.
        options: how it runs.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        preprocess: Callable[[np.ndarray], NetworkInput],
        engine: Engine,
        options: EngineOptions,
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.preprocess = preprocess
        self.engine = engine
        self.options = options

    def __call__(self, image: Picture) -> np.ndarray:
        """A picture, (H, W, 3) uint8 RGB or its path -> (H, W) label map, uint8 (int32 if an id exceeds 255)."""
        return self.predict_batch([image])[0]

    def predict_batch(self, images: Sequence[Picture]) -> list[np.ndarray]:
        """As for one picture, in one run of the network for all that have the same size after preprocessing.

        Raises:
            DataError: a picture cannot be read, or does not have the size that the model was exported for.
        """
        inputs = [self.prepare(image) for image in images]
        outputs = self.infer([item.tensor for item in inputs])
        return [label_map(output, item.geometry) for output, item in zip(outputs, inputs, strict=True)]

    def prepare(self, image: Picture) -> NetworkInput:
        """Read where need be, preprocess, and compare with the shape that the model takes."""
        name = "the picture" if isinstance(image, np.ndarray) else str(image)
        pixels = image if isinstance(image, np.ndarray) else read_image(image, bit_depth=self.manifest.bit_depth)
        item = self.preprocess(pixels)
        _, _, height, width = self.manifest.input_shape
        given = item.size
        wanted = Size(height if height > 0 else given.height, width if width > 0 else given.width)
        if given != wanted:
            raise DataError(
                f"{name} is {given} (width x height) after preprocessing, but this model was exported for {wanted} "
                "only: put Resize or Padding into the validation transforms and export again, or export without "
                "--input_shape for any size"
            )
        return item

    def infer(self, tensors: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the network on (C, H, W) inputs; those of equal shape go in one batch.

        Returns:
            For each, the network's output without its batch axis: (H, W) labels or (C, H, W) scores.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, tensor in enumerate(tensors):
            groups.setdefault(tensor.shape, []).append(index)
        outputs: dict[int, np.ndarray] = {}
        for indices in groups.values():
            for run in self._runs(indices):
                outputs.update(zip(run, self._run([tensors[index] for index in run]), strict=True))
        return [outputs[index] for index in range(len(tensors))]

    def _runs(self, indices: list[int]) -> Iterable[list[int]]:
        """Pieces of at most the batch size that the model was exported for."""
        size = self.manifest.input_shape[0]
        step = size if size > 0 else len(indices)
        return (indices[start : start + step] for start in range(0, len(indices), step))

    def _run(self, tensors: list[np.ndarray]) -> np.ndarray:
        """One run; a model with a fixed batch size is fed repetitions, whose outputs are dropped."""
        count = len(tensors)
        missing = max(self.manifest.input_shape[0] - count, 0)
        batch = np.stack([*tensors, *[tensors[-1]] * missing])
        return self.engine.run(batch)[:count]
