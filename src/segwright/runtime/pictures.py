"""Pictures on disk through a predictor: label maps and overlays, reading and writing while the engine computes."""

import os
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segwright.bundle import NetworkInput, label_map
from segwright.console import track
from segwright.errors import DataError
from segwright.images import output_paths, overlay, write_image, write_label_map
from segwright.pipeline import in_order, threads
from segwright.runtime.predictor import Predictor

OVERLAYS = "added_prediction"
MOST_THREADS = 4  # that read, and as many that write; more have nothing to do


class _Job(NamedTuple):
    """A picture on its way, and the places of its results below the folder."""

    image: Path
    label_map: Path
    overlay: Path
    item: NetworkInput | None = None
    failure: str = ""


class _Result(NamedTuple):
    """What the network gave for a picture."""

    job: _Job
    item: NetworkInput
    output: np.ndarray


def predict_pictures(
    predictor: Predictor, images: Sequence[Path], source: Path, save_dir: Path, *, batch_size: int = 1
) -> dict[Path, str]:
    """Write ``save_dir/NAME.png``, a label map, and ``save_dir/added_prediction/NAME.jpg`` for each picture.

    Args:
        predictor: the model.
        images: pictures.
        source: what they were listed from: below a folder, sub-folders are kept.
        save_dir: where the results go.
        batch_size: pictures that go to the engine together, where they have one size after preprocessing.

    Returns:
        The pictures that could not be predicted, with the reason.

    Raises:
        ExportError: the engine fails.
        OSError: a result cannot be written.
    """
    palette = predictor.manifest.palette
    names = (output_paths(images, source, suffix) for suffix in (".png", ".jpg"))
    jobs = [_Job(*job) for job in zip(images, *names, strict=True)]
    failed: dict[Path, str] = {}

    def read(job: _Job) -> _Job:
        try:
            return job._replace(item=predictor.prepare(job.image))
        except DataError as error:
            return job._replace(failure=str(error))

    def batches(ready: Iterator[_Job]) -> Iterator[list[tuple[_Job, NetworkInput]]]:
        while batch := list(islice(ready, batch_size)):
            failed.update({job.image: job.failure for job in batch if job.failure})
            yield [(job, job.item) for job in batch if job.item is not None]

    def compute(batch: list[tuple[_Job, NetworkInput]]) -> list[_Result]:
        outputs = predictor.infer([item.tensor for _, item in batch])
        return [_Result(job, item, output) for (job, item), output in zip(batch, outputs, strict=True)]

    def write(result: _Result) -> None:
        job, item, output = result
        label = label_map(output, item.geometry)
        write_label_map(save_dir / job.label_map, label, palette)
        write_image(save_dir / OVERLAYS / job.overlay, overlay(item.picture, label, palette))

    count, runs = min(MOST_THREADS, os.cpu_count() or 1), predictor.options.parallel
    with threads(count, "read") as readers, threads(runs, "compute") as cores, threads(count, "write") as writers:
        ready = in_order(readers, read, jobs, depth=count + batch_size)
        computed = in_order(cores, compute, batches(ready), depth=runs + 1)
        written = in_order(writers, write, chain.from_iterable(computed), depth=count + batch_size)
        for _ in track(written, "predicting", total=len(jobs)):
            pass
    return failed
