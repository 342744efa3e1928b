"""The models of a server: answering, and exchanged for newer ones while they answer."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from fastapi import Request

from segwright.bundle import NetworkInput, label_map
from segwright.errors import SegwrightError, suggest
from segwright.serve.metrics import Metrics
from segwright.serve.options import ServeOptions
from segwright.serve.pictures import Incoming
from segwright.serve.problems import Refused, busy
from segwright.serve.room import Room
from segwright.serve.versions import Model, Signatures, Version, open_versions, signatures

T = TypeVar("T")
log = logging.getLogger("segwright.serve")


@dataclass(frozen=True)
class Answer:
    """What a model says of a picture.

    Attributes:
        picture: (H, W, 3) uint8, RGB.
        label: (H, W) label map, uint8 or int32.
        timing: milliseconds of each stage.
    """

    picture: np.ndarray
    label: np.ndarray
    timing: dict[str, float]

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to ``timing``."""
        began = time.monotonic()
        yield
        self.timing[stage] = 1000 * (time.monotonic() - began)


class Models:
    """All models of a server.

    Raises:
        ExportError: a bundle is incomplete, changed, or gives other labels here than where it was made.
        ConfigError: the options cannot be met here.
    """

    def __init__(self, options: ServeOptions, metrics: Metrics) -> None:
        self.options, self.metrics = options, metrics
        self.by_name = {name: Model(name, folder) for name, folder in options.bundles.items()}
        for model in self.by_name.values():
            model.versions, model.signature = open_versions(model, options)
        self._picture_threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "pictures")
        self._room = Room(options.max_pixels)
        self._exchanging = asyncio.Lock()
        self._reloads: set[asyncio.Task] = set()
        self._watch: asyncio.Task | None = None
        self.draining = False

    def __iter__(self) -> Iterator[Version]:
        """All versions of all models."""
        return (version for model in self.by_name.values() for version in model.versions.values())

    def __getitem__(self, name: str) -> Model:
        """The model of this name.

        Raises:
            Refused: 404, with the nearest name.
        """
        if name not in self.by_name:
            raise Refused(404, f"no model is called '{name}': {suggest(name, self.by_name, list_all=True)}")
        return self.by_name[name]

    @property
    def is_ready(self) -> bool:
        """Whether new requests are welcome."""
        return self._watch is not None and not self.draining

    async def start(self) -> None:
        """Begin to answer and to watch the bundles, in the running event loop."""
        for version in self:
            self._start(version)
        self._watch = asyncio.create_task(self._look_for_changes())

    async def close(self) -> None:
        """Answer what was accepted, then end."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await asyncio.gather(*self._reloads, return_exceptions=True)
        await asyncio.gather(*(version.close() for version in self))
        self._picture_threads.shutdown()

    @contextmanager
    def admitted(self, name: str, number: str | None = None, pictures: int = 1) -> Iterator[Version]:
        """A version of a model, which counts pictures as accepted, and stays, as long as the block lasts.

        Raises:
            Refused: 404 where there is no such model or version, 413 where the pictures are more than are ever
                accepted, 429 where they are too many now.
        """
        model = self[name]
        version = model.version(number)
        if pictures > self.options.queue_size:
            raise Refused(413, f"{pictures} pictures in one request, and the limit is {self.options.queue_size}")
        if model.accepted + pictures > self.options.queue_size:
            self.metrics.refused.labels(model.name, "queue").inc()
            raise busy(f"{model.accepted} pictures are waiting for model {model.name}", model.accepted * model.pace)
        model.accepted += pictures
        version.users += 1
        try:
            yield version
        finally:
            model.accepted -= pictures
            version.users -= 1

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Decode or encode beside the event loop.

        Who is cancelled meanwhile is so when work that has begun is over, and until then holds the room for it; work
        that has not begun is dropped.
        """
        begun = self._picture_threads.submit(work)
        try:
            return await asyncio.wrap_future(begun)
        except asyncio.CancelledError:
            if not begun.cancel():
                await asyncio.gather(asyncio.wrap_future(begun), return_exceptions=True)
            raise

    async def answer(self, version: Version, opened: Callable[[], Incoming]) -> Answer:
        """The label map of the picture that ``opened`` gives; it is called in a thread.

        Pictures are decoded when there is room for their pixels: until then they wait as the client sent them.

        Raises:
            Refused: what ``opened`` raises; 415 for a damaged picture, 400 if the model does not take its size.
        """
        began = time.monotonic()
        picture = await self.in_thread(opened)

        def prepare() -> NetworkInput:
            pixels = picture.decoded()
            try:
                return version.predictor.prepare(pixels)
            except SegwrightError as error:
                raise Refused(400, str(error), field="image") from error

        known = time.monotonic()
        async with self._room.taken(picture.pixels):
            entered = time.monotonic()
            item = await self.in_thread(prepare)
            decoded = time.monotonic()
            ran = await version.run(item.tensor)
            self.by_name[version.model].pace = ran.took / ran.batch
            label = await self.in_thread(lambda: label_map(ran.output, item.geometry))
        timing = {
            "decode": known - began + decoded - entered,
            "queue": entered - known + ran.waited,
            "infer": ran.took,
        }
        return Answer(item.picture, label, {stage: 1000 * seconds for stage, seconds in timing.items()})

    def note(self, request: Request, version: Version, *answers: Answer) -> None:
        """Count the stages of each answer, and put the longest of each into the request's log line."""
        longest: dict[str, float] = {}
        for answer in answers:
            for stage, milliseconds in answer.timing.items():
                self.metrics.stage.labels(version.model, stage).observe(milliseconds / 1000)
                longest[stage] = max(longest.get(stage, 0.0), milliseconds)
        stages = {f"{stage}_ms": round(milliseconds, 1) for stage, milliseconds in longest.items()}
        pictures = {"pictures": len(answers)} if len(answers) > 1 else {}
        request.state.facts = {"model": version.model, "version": version.number, **pictures, **stages}

    async def reload(self, model: Model) -> None:
        """Open the model's bundles again and exchange them; where that fails the old ones go on.

        One exchange follows the other, and is brought to its end also when whoever asked for it has gone: otherwise
        versions that nobody holds any more would never be closed.

        Raises:
            SegwrightError: it failed.
        """
        exchange = asyncio.create_task(self._exchange(model))
        self._reloads.add(exchange)
        exchange.add_done_callback(self._reloads.discard)
        await asyncio.shield(exchange)

    async def _exchange(self, model: Model) -> None:
        async with self._exchanging:
            loop = asyncio.get_running_loop()
            before = model.versions
            try:
                model.versions, model.signature = await loop.run_in_executor(None, open_versions, model, self.options)
            except Exception as error:
                model.problem = str(error)
                raise
            model.problem = None
            for version in model.versions.values():
                if version not in before.values():
                    self._start(version)
            gone = [version for version in before.values() if version not in model.versions.values()]
            if model.versions != before:
                log.info("model %s was exchanged: versions %s", model.name, ", ".join(sorted(model.versions, key=int)))
            await asyncio.gather(*(version.close() for version in gone))

    def _start(self, version: Version) -> None:
        version.start(self.options, self.metrics.batch.labels(version.model).observe)

    async def _look_for_changes(self) -> None:
        interval = self.options.reload_interval
        failed: dict[str, Signatures] = {}  # not tried again before the files change
        while interval:
            await asyncio.sleep(interval)
            for model in self.by_name.values():
                seen = _signatures_now(model)
                if seen is None or seen in (model.signature, failed.get(model.name)):
                    continue
                await asyncio.sleep(interval / 2)
                if _signatures_now(model) != seen:  # still being copied
                    continue
                try:
                    await self.reload(model)
                except Exception as error:  # whatever it is, the watch goes on
                    failed[model.name] = seen
                    self.metrics.failed_reloads.labels(model.name).inc()
                    told = "model %s goes on as it was, because the new files cannot be used: %s"
                    log.error(told, model.name, error, exc_info=not isinstance(error, SegwrightError))


def _signatures_now(model: Model) -> Signatures | None:
    """What the files are now; None while an export is just putting a folder in the place of another."""
    try:
        return signatures(model.bundles())
    except (SegwrightError, OSError):
        return None
