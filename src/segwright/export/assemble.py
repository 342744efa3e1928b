"""An export folder: the model, ``deploy.yaml``, and two test pictures with the label maps that the model gives them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from torch import nn

from segwright.atomic import move_file, write_text
from segwright.bundle import (
    AGREEMENT,
    MANIFEST_NAME,
    Format,
    Manifest,
    NetworkInput,
    OutputOp,
    Precision,
    Preprocessing,
    Selftest,
    Shape,
    file_hash,
    label_map,
)
from segwright.datasets import SegmentationDataset
from segwright.errors import ConfigError, ExportError, suggest
from segwright.export.certificate import certify
from segwright.export.dataset_scores import DatasetScores, Examination
from segwright.export.deployed import OUTPUT_DTYPES, Deployed
from segwright.export.formats import LOWERING, THROUGH_ONNX, WRITERS
from segwright.export.half import halve_weights
from segwright.export.int8 import Calibration, Quantised, ToInt8
from segwright.export.picture_input import PictureInput
from segwright.export.pictures import choose_pictures
from segwright.export.staging import staging
from segwright.export.verify import Case, Compared, Verification, verify
from segwright.images import Colour, default_palette, write_image, write_label_map
from segwright.version import __version__

ELSEWHERE = 0.02  # of the labels in less precision than float32: room for engines and processors that round otherwise

log = logging.getLogger("segwright")


@dataclass(frozen=True)
class Bundle:
    """What an export left on the disk.

    Attributes:
        folder: all of it.
        manifest: its ``deploy.yaml``.
        model: the file that an engine opens.
        verification: how the file compares with the torch model.
        scores: of both on data with labels, if they were asked for.
        quantised: what became of the layers in int8.
    """

    folder: Path
    manifest: Path
    model: Path
    verification: Verification
    scores: DatasetScores | None = None
    quantised: Quantised | None = None


def export_model(
    model: nn.Module,
    save_dir: str | Path,
    *,
    transforms: Sequence[dict[str, Any]],
    num_classes: int,
    file_format: Format = "onnx",
    precision: Precision = "fp32",
    calibration: Calibration | None = None,
    input_shape: Sequence[int] | None = None,
    output_op: OutputOp = "argmax",
    picture_input: bool = False,
    to_rgb: bool = True,
    img_channels: int = 3,
    bit_depth: int | None = None,
    class_names: Sequence[str] | None = None,
    palette: Sequence[Colour] | None = None,
    pictures: Sequence[np.ndarray | Path] | None = None,
    dataset: SegmentationDataset | None = None,
    count: int | None = None,
    max_miou_loss: float = 0.005,
) -> Bundle:
    """Write a model with all that running it takes, once it is proven equal to the torch model.

    Until everything is verified nothing appears in ``save_dir``; ``deploy.yaml`` comes last. Other files there are
    left alone.

    Args:
        model: gives a list of logits, the first being the prediction. Neither its mode nor its weights change.
        save_dir: folder for the model, ``deploy.yaml`` and ``selftest/``.
        transforms: the whole of the validation transforms, as blocks of a configuration.
        num_classes: classes that the model tells apart.
        file_format: ``onnx``, ``openvino``, ``torch`` or ``executorch``.
        precision: ``fp32``; ``fp16`` for weights of half the size; ``int8``, with ``calibration`` and ``dataset``.
        calibration: how to quantise.
        input_shape: N, C, H, W; -1, or None for all of N, H and W, leaves them free.
        output_op: what the graph ends in: labels, probabilities or logits.
        picture_input: have the graph take pictures, (N, H, W, 3) uint8 RGB, and do the transforms itself; what it gives
            is then of the pictures' size.
        to_rgb: whether the model takes red first.
        img_channels: bands that the model takes.
        bit_depth: what pictures with more than 8 bits per value really use; they are refused if None.
        class_names: names of the classes.
        palette: (red, green, blue) for each class; by default PaddleSeg's.
        pictures: test pictures, files or (H, W, 3) uint8 RGB arrays; by default drawn ones.
        dataset: pictures with labels, on which both are scored.
        count: only on so many of them.
        max_miou_loss: by how much mIoU on them may fall in fp16 or int8, 0..1.

    Raises:
        ConfigError: arguments that contradict each other, or transforms that do not exist.
        ExportError: the model cannot be exported, or the file differs from it.
        MissingExtraError: the libraries for the format are not installed.
    """
    if file_format not in WRITERS:
        raise ConfigError(f"format '{file_format}': {suggest(file_format, WRITERS, list_all=True)}")
    _check_precision(precision, file_format, calibration, dataset)
    save_dir = Path(save_dir)
    shape = _checked_shape(input_shape, img_channels)
    preprocess = Preprocessing(transforms, to_rgb=to_rgb, img_channels=img_channels)
    colours = list(default_palette(num_classes) if palette is None else palette)[:num_classes]
    names = class_names or [f"class {index}" for index in range(num_classes)]
    if len(colours) < num_classes or (class_names is not None and len(class_names) != num_classes):
        raise ConfigError(
            f"the model has {num_classes} classes, but the data set names {len(class_names or colours)} of them"
        )
    deployed = Deployed(model, output_op, PictureInput(preprocess) if picture_input else None)
    way = NetworkInput.raw if picture_input else preprocess
    chosen = choose_pictures(pictures, way, shape, bit_depth)
    _say_what_changes(model)

    cases = [Case.of(deployed, _batch(picture.tensor, shape)) for picture in chosen]
    if (found := cases[0].logits.shape[1]) != num_classes:
        raise ExportError(f"the model gives logits for {found} classes, but num_classes is {num_classes}")
    extra = [Case.of(deployed, batch) for batch in _odd_batches(chosen[0], shape)]
    labels = [label_map(case.output[0], picture.geometry) for case, picture in zip(cases, chosen, strict=True)]
    if picture_input:
        usual, pairs = Deployed(model, output_op), zip(chosen, labels, strict=True)
        labels = [_usual_labels(usual, preprocess, picture, label) for picture, label in pairs]

    examination = None
    if dataset is not None:
        examination = Examination(deployed, way, dataset, min(count or len(dataset), len(dataset)), max(shape[0], 1))
    writer, to_int8 = WRITERS[file_format], None
    if precision == "fp16":
        writer = partial(THROUGH_ONNX[file_format], lower=halve_weights)
    elif calibration is not None and examination is not None:
        to_int8 = ToInt8(calibration, examination, max_miou_loss, shape, bit_depth)
        writer = partial(LOWERING[file_format], lower=to_int8)

    with staging(save_dir) as staged, staging(save_dir) as scratch:  # /tmp may be too small, or in memory
        written = writer(deployed, staged, scratch, shape)
        verification = verify(written, file_format, precision, cases + extra)
        if written.logits != written.model:
            written.logits.unlink()  # it may lie beside the weights, and is not shipped
        scores = None
        if examination is not None:
            scores = examination.compare(written.model, file_format, precision)
            if precision == "fp32":
                scores.require_equal()
            else:
                scores.require_loss(max_miou_loss)
        wanted = [_wanted(precision, one) for one in verification.inputs[: len(chosen)]]
        tests = _write_selftest(staged, chosen, labels, wanted, colours)
        quantised = to_int8.result if to_int8 else None
        certify(staged, type(model).__name__, file_format, verification, scores, quantised, chosen, colours, names)
        manifest = Manifest(
            model=written.model.name,
            format=file_format,
            precision=precision,
            miou_loss=None if scores is None else round(scores.loss, 6),
            picture_input=picture_input,
            transforms=preprocess.blocks,
            to_rgb=to_rgb,
            img_channels=img_channels,
            bit_depth=bit_depth,
            input_shape=shape,
            output_op=output_op,
            output_dtype=OUTPUT_DTYPES[output_op],
            num_classes=num_classes,
            labels=None if class_names is None else tuple(class_names),
            palette=tuple(tuple(map(int, colour)) for colour in colours),  # type: ignore[misc]
            files={name: file_hash(staged / name) for name in _files(staged)},
            selftest=tests,
            written_by=__version__,
        )
        _publish(staged, save_dir, manifest)
    return Bundle(save_dir, save_dir / MANIFEST_NAME, save_dir / manifest.model, verification, scores, quantised)


def _check_precision(
    precision: Precision, file_format: Format, calibration: Calibration | None, dataset: SegmentationDataset | None
) -> None:
    if precision not in get_args(Precision):
        raise ConfigError(f"precision '{precision}': {suggest(precision, get_args(Precision), list_all=True)}")
    formats = {"fp32": WRITERS, "fp16": THROUGH_ONNX, "int8": LOWERING}[precision]
    if file_format not in formats:
        raise ConfigError(
            f"precision {precision}: format {file_format} is not written so; use --format {' or '.join(formats)}, or "
            "--precision fp32"
        )
    if (precision == "int8") != (calibration is not None):
        raise ConfigError("precision int8 and calibration pictures belong together: give both, or neither")
    if precision == "int8" and dataset is None:
        raise ConfigError(
            "precision int8 wants data with labels, on which its loss of mIoU is measured; see val_dataset"
        )


def _wanted(precision: Precision, found: Compared) -> float:
    """Share of labels that a test picture has to get again, where another processor rounds otherwise."""
    return AGREEMENT if precision == "fp32" else max(0.0, round(found.agreement - ELSEWHERE, 4))


def _checked_shape(input_shape: Sequence[int] | None, img_channels: int) -> Shape:
    if input_shape is None:
        return -1, img_channels, -1, -1
    if len(input_shape) != 4 or any(size == 0 or size < -1 for size in input_shape):
        raise ConfigError(f"--input_shape is N C H W, four numbers of which -1 stands for any, got {list(input_shape)}")
    batch, channels, height, width = input_shape
    if channels != img_channels:
        raise ConfigError(
            f"--input_shape is N C H W, and the model takes pictures of {img_channels} channels, but C is {channels} "
            f"in {list(input_shape)}"
        )
    return batch, channels, height, width


def _say_what_changes(model: nn.Module) -> None:
    others = [name for name in getattr(model, "output_names", ()) if name != "main"]
    if others:
        log.info("left out, because only training needs them: the outputs %s", ", ".join(others))
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    means = [norm.running_mean for norm in norms if norm.running_mean is not None]
    if means and not any(mean.any() for mean in means):
        log.warning("no batch norm of this model has ever seen a picture (all running means are 0): is it untrained?")


def _batch(tensor: np.ndarray, shape: Shape) -> np.ndarray:
    """(C, H, W) -> (N, C, H, W), repeated to the batch size that the model takes."""
    return np.repeat(tensor[None], max(shape[0], 1), axis=0)


def _odd_batches(picture: NetworkInput, shape: Shape) -> Iterator[np.ndarray]:
    """Where sizes are free: a part of the picture of another, odd size; two at once where their number is free."""
    rows, columns = (
        size if fixed > 0 else max(1, size - 1 - size % 2) for size, fixed in zip(picture.size, shape[2:], strict=True)
    )
    if -1 in shape:
        raw = picture.tensor is picture.picture
        part = picture.tensor[:rows, :columns] if raw else picture.tensor[:, :rows, :columns]
        turned = part[::-1, ::-1] if raw else part[:, ::-1, ::-1]
        yield np.stack([part, turned] if shape[0] < 0 else [part] * shape[0])


def _usual_labels(
    deployed: Deployed, preprocess: Preprocessing, picture: NetworkInput, label: np.ndarray
) -> np.ndarray:
    """The label map of a picture by the usual way, outside the graph.

    Raises:
        ExportError: that of the graph's way differs.
    """
    item = preprocess(picture.picture)
    usual = label_map(Case.of(deployed, item.tensor[None]).output[0], item.geometry)
    different = int((usual != label).sum())
    if different > (1 - AGREEMENT) * usual.size:
        raise ExportError(
            f"{different} of {usual.size} pixels get other labels when the graph does the transforms than when the "
            "client does; nothing was written. Choose --picture_input False"
        )
    return usual


def _write_selftest(
    folder: Path,
    pictures: Sequence[NetworkInput],
    labels: Sequence[np.ndarray],
    wanted: Sequence[float],
    palette: Sequence[Colour],
) -> tuple[Selftest, ...]:
    """The pictures, and the label maps of the torch model through the same way back as a prediction's."""
    tests = []
    for number, (picture, label, share) in enumerate(zip(pictures, labels, wanted, strict=True), start=1):
        test = Selftest(f"selftest/picture_{number}.png", f"selftest/mask_{number}.png", share)
        write_image(folder / test.image, picture.picture)
        write_label_map(folder / test.mask, label, palette)
        tests.append(test)
    return tuple(tests)


def _files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def _publish(staged: Path, save_dir: Path, manifest: Manifest) -> None:
    """Put the files in their place. An older ``deploy.yaml`` goes first and the new one comes last: no mixture."""
    (save_dir / MANIFEST_NAME).unlink(missing_ok=True)
    for name in manifest.files:
        move_file(staged / name, save_dir / name)
    write_text(save_dir / MANIFEST_NAME, manifest.to_yaml(), sync=True)
