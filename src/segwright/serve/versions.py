"""What is on the disk of a model, opened and tried: its versions, and when they have changed."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from segwright.bundle import MANIFEST_NAME, Manifest
from segwright.errors import ExportError, suggest
from segwright.runtime import SMALL, EngineOptions, Predictor, gains_from_parallel_runs, load
from segwright.runtime.selftest import selftest
from segwright.serve.options import ServeOptions
from segwright.serve.problems import Refused
from segwright.serve.scheduler import Ran, Scheduler, Way

Signatures = dict[str, tuple[int, ...]]
"""For each version something that changes when its files are exchanged."""

LARGEST_TWICE = 128 << 20  # bytes of a bundle: more is not opened a second time


class Version:
    """One version of a model, ready to answer.

    Attributes:
        model: the model's name.
        number: of this version.
        predictor: runs it.
        crowded: runs it on each thread, for when there is a picture for each; None where that gains nothing.
        class_names: one for each class.
        users: requests that have it in hand.
    """

    def __init__(self, model: str, number: str, predictor: Predictor, crowded: Predictor | None = None) -> None:
        self.model, self.number, self.predictor, self.crowded = model, number, predictor, crowded
        manifest = predictor.manifest
        self.class_names = manifest.labels or tuple(f"class {index}" for index in range(manifest.num_classes))
        self.users = 0
        runs = predictor.options.parallel + (crowded.options.parallel if crowded else 0)
        self._threads = ThreadPoolExecutor(runs, "engine")
        self._scheduler: Scheduler | None = None

    @property
    def manifest(self) -> Manifest:
        """What its deploy.yaml says."""
        return self.predictor.manifest

    @property
    def waiting(self) -> int:
        """Pictures in its queue."""
        return self._scheduler.waiting if self._scheduler else 0

    def start(self, options: ServeOptions, on_run: Callable[[int], object]) -> None:
        """Begin to take pictures, in the running event loop."""
        usual = Way(self.predictor.infer, self.predictor.options.parallel, options.batch_size)
        crowded = None
        if self.crowded is not None:  # a thread gains nothing from several at a time
            crowded = Way(self.crowded.infer, self.crowded.options.parallel, batch_size=1, largest=3 * SMALL)
        self._scheduler = Scheduler(usual, self._threads, crowded=crowded, delay=options.batch_delay, on_run=on_run)

    async def run(self, tensor: np.ndarray) -> Ran:
        """The network's output for one preprocessed picture."""
        assert self._scheduler is not None
        return await self._scheduler.run(tensor)

    async def close(self) -> None:
        """Wait for those who use it, then end."""
        while self.users:
            await asyncio.sleep(0.05)
        if self._scheduler is not None:
            await self._scheduler.close()
        self._threads.shutdown()


class Model:
    """A model with its versions; requests that name none get the newest.

    Attributes:
        name: in URLs.
        folder: of the bundle, or of its versions.
        versions: by number.
        signature: what the bundles' files were when they were opened.
        problem: why the newest files could not be opened, or None.
        accepted: pictures being worked on or waiting.
        pace: seconds that the engine took for a picture lately.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.versions: dict[str, Version] = {}
        self.signature: Signatures = {}
        self.problem: str | None = None
        self.accepted = 0
        self.pace = 0.0

    def version(self, number: str | None = None) -> Version:
        """The version of this number, by default the newest.

        Raises:
            Refused: 404.
        """
        if number is None:
            return self.versions[max(self.versions, key=int)]
        if number not in self.versions:
            raise Refused(404, f"model {self.name} has no version {number}: {suggest(number, self.versions)}")
        return self.versions[number]

    def bundles(self) -> dict[str, Path]:
        """The folder of each version as they are on the disk now."""
        if (self.folder / MANIFEST_NAME).is_file():
            return {"1": self.folder}
        if not self.folder.is_dir():
            raise ExportError(f"{self.folder} does not exist; 'segwright export' writes such a folder")
        found = {
            entry.name: entry
            for entry in self.folder.iterdir()
            if entry.name.isdecimal() and entry.name.isascii() and (entry / MANIFEST_NAME).is_file()
        }
        if not found:
            raise ExportError(
                f"{self.folder} holds neither a {MANIFEST_NAME} nor folders 1, 2, ... that do: name the folder that "
                "'segwright export' wrote"
            )
        return found


def open_versions(model: Model, options: ServeOptions) -> tuple[dict[str, Version], Signatures]:
    """The model's versions as they are on the disk, and what their files were; those that did not change are kept.

    Each is tried on its own test pictures, which warms it up, too.

    Raises:
        ExportError: a bundle is incomplete, changed, or gives other labels here than where it was made.
        ConfigError: the options cannot be met here.
    """
    try:
        bundles = model.bundles()
        seen = signatures(bundles)
    except OSError as error:  # a folder that is being exchanged is gone for a moment
        raise ExportError(f"{model.folder} cannot be read: {error}") from error
    versions = {}
    for number, folder in bundles.items():
        known = model.versions.get(number)
        if known is not None and model.signature.get(number) == seen[number]:
            versions[number] = known
        else:
            predictor = open_tried(folder, options.runtime)
            versions[number] = Version(model.name, number, predictor, open_crowded(predictor, options))
    return versions, seen


def open_crowded(predictor: Predictor, options: ServeOptions) -> Predictor | None:
    """The same model once more, a run for each thread; None where that is not wanted, gains nothing, or takes much."""
    folder, manifest, threads = predictor.folder, predictor.manifest, predictor.options.threads
    if not options.crowd or threads == 1 or not gains_from_parallel_runs(manifest.format, predictor.options):
        return None
    if sum((folder / name).stat().st_size for name in manifest.files) > LARGEST_TWICE:
        return None
    return open_tried(folder, replace(options.runtime, parallel=threads))


def open_tried(folder: Path, runtime: EngineOptions) -> Predictor:
    """A predictor that has given the labels of the bundle's test pictures.

    Raises:
        ExportError: the bundle is incomplete, changed, or gives other labels here than where it was made.
        ConfigError: the options cannot be met here.
    """
    predictor = load(folder, runtime)
    for result in selftest(predictor):
        if not result.passed:
            raise ExportError(
                f"{folder}: {result.different} of {result.pixels} pixels of its test picture {result.image} get "
                "another class here than where it was exported; choose another --runtime, or export again here"
            )
    return predictor


def signatures(bundles: dict[str, Path]) -> Signatures:
    """What changes when a bundle is exchanged: the identity, size and time of its deploy.yaml."""
    found: Signatures = {}
    for number, folder in bundles.items():
        status = (folder / MANIFEST_NAME).stat()
        found[number] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found
