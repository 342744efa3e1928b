"""Label maps, overlays and more for pictures on disk."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from segwright.console import show_log, track
from segwright.engine.answer import Answer, Colours
from segwright.engine.faults import is_out_of_memory
from segwright.engine.inference import Procedure
from segwright.engine.interrupt import StopSignal
from segwright.engine.journal import Journal, Record, stamp
from segwright.engine.processes import Processes
from segwright.engine.results import DEFAULT_OUTPUTS, FOLDERS, Places, Results
from segwright.engine.segmenter import Prepared, Segmenter
from segwright.engine.tiles_predict import predict_large
from segwright.errors import ConfigError, DataError, MissingExtraError
from segwright.images import MAX_PIXELS, Palette, output_paths, read_image
from segwright.images.large import TILED_MAX_PIXELS, is_large
from segwright.pipeline import in_order, threads
from segwright.transforms import Compose

log = logging.getLogger("segwright")

MOST_THREADS = 4  # that read, and as many that write; more have nothing to do
TILE_ABOVE = 50_000_000  # pixels


@dataclass(frozen=True)
class Predictions:
    """What a prediction run wrote.

    Attributes:
        label_maps: paletted PNG files whose pixel values are class ids, one for each picture that could be read.
        stacks: with ``multilabel``, files with a map for each class, label files in their turn.
        failures: pictures that could not be read, with the reason.
        exit_code: 0; 2 if there are failures; 130 or 143 if a signal ended the run early.
    """

    label_maps: list[Path] = field(default_factory=list)
    stacks: list[Path] = field(default_factory=list)
    failures: dict[Path, str] = field(default_factory=dict)
    exit_code: int = 0


class _Job(NamedTuple):
    """A picture on its way through the stages, its path below the folder, and what is known of it so far."""

    image: Path
    name: str
    places: Places
    rgb: np.ndarray | None = None
    prepared: Prepared | None = None
    answer: Answer | None = None
    milliseconds: float = 0.0
    failure: str = ""
    large: bool = False
    record: Record | None = None

    @property
    def key(self) -> str:
        """Tells it from all other pictures, even where one is listed twice."""
        return self.places.png.as_posix()


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
    precision: str = "fp32",
    multilabel: bool = False,
    outputs: Sequence[str] = DEFAULT_OUTPUTS,
    class_names: Sequence[str] | None = None,
    truth: Callable[[Path], np.ndarray | None] | None = None,
    simplify: float = 0.0,
    resume: bool = False,
    tile_above: int = TILE_ABOVE,
    max_pixels: int | None = None,
    bit_depth: int | None = None,
) -> Predictions:
    """Predict pictures and write, by default, ``added_prediction/`` (overlays) and ``pseudo_color_prediction/``.

    The latter are label maps. With ``multilabel`` a pixel has every class whose sigmoid is above one half.
    ``multilabel_prediction/`` then holds maps of 0 and 1, one for each class, side by side, as the label files of such
    data do. The label maps are to look at: 0 is no class, k + 1 says that class k is the last of the pixel's. The class
    that ``AddMultiLabelAuxiliaryCategory`` adds is left out everywhere, and not counted.

    Threads read and write pictures while the device computes. Where ``torchrun`` has started several processes, each
    takes its share of the pictures; process 0 writes what concerns all of them and returns it.

    Args:
        model: gives a list whose first entry is (1, num_classes, H, W) logits.
        model_path: weights to load first; None takes the model as it is.
        transforms: those of validation, as a list or a ``Compose``.
        image_list: pictures to predict.
        image_dir: folder below which sub-folders are kept in the results; default: that of the first picture.
        save_dir: where the folders go.
        procedure: plain (default), multi-scale and flips, or sliding windows.
        custom_color: flat list r g b r g b ... for the first classes.
        palette: colours of the classes; default: PASCAL VOC's.
        device: ``auto``, ``cpu``, ``gpu``, ``cuda:1`` or ``mps``.
        precision: ``fp32``, or ``bf16`` or ``fp16``, which is faster where the device has it, and rounds.
        multilabel: a pixel may have several classes, or none.
        outputs: ``label_map``, ``overlay``, ``legend`` (an overlay with the names of its classes), ``comparison``
            (truth, prediction, difference), ``probabilities`` (NumPy files with ``probabilities``, (K, H, W) float16),
            ``labelme`` and ``coco`` (outlines as JSON), ``table`` (CSV).
        class_names: one for each class.
        truth: for ``comparison``: gives the true label map, (H, W) ids, of a picture, or None.
        simplify: for outlines: how far, in pixels, they may be from the true ones; 0 keeps them exact.
        resume: leave out pictures that an earlier run with equal weights and settings has done.
        tile_above: with sliding windows, pictures of more pixels are read, predicted and written window by window, in
            memory for a few rows; their overlays are reduced to 4096 pixels on the longer side.
        max_pixels: larger pictures are refused, as small files that claim to be huge should be; default:
            ``images.MAX_PIXELS`` for those that are read at once, ``images.large.TILED_MAX_PIXELS`` for the others.
        bit_depth: bits that pictures with more than 8 bits per value really use.

    A picture that cannot be read does not stop the others; it is named at the end and in ``failures``. SIGINT and
    SIGTERM end the run after the pictures under way.

    Raises:
        ConfigError: arguments contradict each other.
        DataError: ``image_list`` is empty.
        OutputError: ``save_dir`` cannot be written to.
    """
    show_log()
    if not image_list:
        raise DataError("image_list is empty; nothing to predict")
    save_dir = Path(save_dir)
    images = [Path(image) for image in image_list]
    segmenter = Segmenter(model, transforms, procedure, device, model_path, precision)
    results = Results(
        save_dir,
        outputs,
        colours=Colours(palette, custom_color or ()),
        class_names=class_names,
        multilabel=multilabel,
        num_auxiliary=len(segmenter.compose.auxiliary) if multilabel else 0,
        simplify=simplify,
        truth=truth,
    )
    processes = Processes()
    key = hashlib.sha256(f"{segmenter.fingerprint()} {results.settings()} {bit_depth}".encode()).hexdigest()
    journal = Journal(save_dir, key, resume=resume, processes=processes)
    jobs = _jobs(images, Path(image_dir or images[0].parent))
    waiting = [job for job in jobs if job.key not in journal.done]
    if resume:
        log.info("%d of %d pictures are done already", len(jobs) - len(waiting), len(jobs))
    own = [waiting[number] for number in processes.share(len(waiting))]
    with StopSignal() as stop, segmenter.ready():
        records = _predicted(own, segmenter, results, stop, bit_depth, tile_above, max_pixels)
        for record in track(records, "predicting", total=len(own), shown=processes.first):
            journal.add(record)
    all_records = journal.all_records()
    found = [all_records[job.key] for job in jobs if job.key in all_records]
    done = [record for record in found if "failure" not in record]
    predictions = _summary(found, save_dir, stop.exit_code)
    if processes.first:
        _report(predictions, results, results.finish(done))
        if stop.received:
            log.warning("Stopped: %d of %d pictures are done; --resume goes on from here", len(done), len(jobs))
    return predictions


def _jobs(images: Sequence[Path], folder: Path) -> list[_Job]:
    names = zip(output_paths(images, folder), output_paths(images, folder, ".png"), strict=True)
    below = (image.relative_to(folder) if image.is_relative_to(folder) else image for image in images)
    return [
        _Job(image, name.as_posix(), Places.of(*pair)) for image, name, pair in zip(images, below, names, strict=True)
    ]


def _predicted(
    jobs: Sequence[_Job],
    segmenter: Segmenter,
    results: Results,
    stop: StopSignal,
    bit_depth: int | None,
    tile_above: int,
    max_pixels: int | None,
) -> Iterator[Record]:
    """The records of pictures, in their order, when their files are written."""
    limit = max_pixels or MAX_PIXELS

    def read(job: _Job) -> _Job:
        if segmenter.procedure.window is not None and is_large(job.image, tile_above):
            return job._replace(large=True)
        if is_large(job.image, limit):
            return job._replace(
                failure=f"{job.image} has more than {limit / 1e6:.0f} million pixels, too many to predict at once: "
                "--is_slide --crop_size 1024 1024 --stride 768 768 predicts it window by window, in little memory; or, "
                "if there is memory for it, allow more with --max_megapixels"
            )
        try:
            rgb = read_image(job.image, max_pixels=limit, bit_depth=bit_depth)
            return job._replace(rgb=rgb, prepared=segmenter.prepare(rgb))
        except DataError as error:
            return job._replace(failure=str(error))

    def compute(job: _Job) -> _Job:
        if job.large:
            try:
                return job._replace(record=_large(job, segmenter, results, bit_depth, max_pixels))
            except (ConfigError, DataError, MissingExtraError) as error:
                return job._replace(failure=str(error))
        if job.prepared is None:
            return job
        start = time.perf_counter()
        try:
            answer = segmenter.answer(job.prepared, results.answer)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if segmenter.device.type == "cuda":
                torch.cuda.empty_cache()
            return job._replace(
                failure=f"{job.image} does not fit into the device's memory; predict it with --is_slide"
            )
        return job._replace(prepared=None, answer=answer, milliseconds=1000 * (time.perf_counter() - start))

    def write(job: _Job) -> Record:
        record: Record = {"key": job.key, "image": str(job.image), "name": job.name, "milliseconds": job.milliseconds}
        if job.record is not None:
            return {**record, "stamp": stamp(job.image), **job.record}
        if job.rgb is None or job.answer is None:
            return {**record, "failure": job.failure}
        try:
            written = results.write(job.places, job.image, job.rgb, job.answer)
        except DataError as error:
            return {**record, "failure": str(error)}
        return {**record, "stamp": stamp(job.image), **written}

    count, lanes = min(MOST_THREADS, torch.get_num_threads()), segmenter.lanes.count
    with threads(count, "read") as readers, threads(lanes, "compute") as pool, threads(count, "write") as writers:
        ready = in_order(readers, read, jobs, depth=count + lanes)
        computed = in_order(pool, compute, takewhile(lambda _: not stop.received, ready), depth=lanes + 1)
        yield from in_order(writers, write, computed, depth=count + lanes)


def _large(job: _Job, segmenter: Segmenter, results: Results, bit_depth: int | None, max_pixels: int | None) -> Record:
    """Predict a picture that is not to be in memory as a whole; what the journal keeps of it."""
    if results.multilabel:
        raise ConfigError(
            f"{job.image}: where a pixel may have several labels, pictures are predicted whole: cut it into tiles, or "
            "raise tile_above if there is memory for it"
        )
    if too_much := set(results.outputs) - {"label_map", "overlay"}:
        raise ConfigError(
            f"{job.image} is predicted window by window, which gives label_map and overlay, but {', '.join(too_much)} "
            "needs all of it at once: leave that out, or raise tile_above if there is memory for it"
        )
    folder = {name: results.save_dir / FOLDERS[name] for name in results.outputs}
    label_path = results.save_dir / FOLDERS["label_map"] / job.places.png
    overlay_path = folder["overlay"] / job.places.picture if "overlay" in folder else None
    label_path = predict_large(
        segmenter,
        job.image,
        label_path,
        colours=results.asked,
        overlay_path=overlay_path,
        bit_depth=bit_depth,
        max_pixels=max_pixels or TILED_MAX_PIXELS,
    )
    files = {"label_map": label_path, **({"overlay": overlay_path} if overlay_path else {})}
    return {"files": {name: path.relative_to(results.save_dir).as_posix() for name, path in files.items()}}


def _summary(records: Sequence[Record], save_dir: Path, stopped: int) -> Predictions:
    files = [record.get("files", {}) for record in records]
    failures = {Path(record["image"]): record["failure"] for record in records if "failure" in record}
    return Predictions(
        label_maps=[save_dir / names["label_map"] for names in files if "label_map" in names],
        stacks=[save_dir / names["stack"] for names in files if "stack" in names],
        failures=failures,
        exit_code=stopped or (2 if failures else 0),
    )


def _report(predictions: Predictions, results: Results, tables: Sequence[Path]) -> None:
    for name in results.outputs:
        if name in FOLDERS:
            log.info("%s: %s", name, results.save_dir / FOLDERS[name])
    if predictions.stacks:
        log.info("The maps of each class are in %s", results.save_dir / FOLDERS["stack"])
    for path in tables:
        log.info("%s is written", path)
    for image, reason in predictions.failures.items():
        log.error("not predicted: %s", reason if str(image) in reason else f"{image}: {reason}")
