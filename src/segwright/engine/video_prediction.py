"""Overlays of a video, of a camera or of a stream, as a video."""

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice, repeat, takewhile
from pathlib import Path
from typing import Any

from torch import nn

from segwright.console import show_log, track
from segwright.engine.answer import Answer, Colours
from segwright.engine.camera import Camera
from segwright.engine.inference import Procedure
from segwright.engine.inputs import VideoSource
from segwright.engine.interrupt import StopSignal
from segwright.engine.processes import Processes
from segwright.engine.results import FOLDERS, OUTPUTS, Results
from segwright.engine.segmenter import Prepared, Segmenter
from segwright.engine.video import Frame, VideoFile, VideoWriter
from segwright.errors import ConfigError
from segwright.images import Palette, write_label_map
from segwright.pipeline import in_order, threads
from segwright.transforms import Compose

log = logging.getLogger("segwright")

DEPTH = 4  # frames on their way from reader to model, and from model to writer
VIDEO_OUTPUTS = ("overlay", "legend", "label_map")


@dataclass(frozen=True)
class VideoPrediction:
    """What was made of a video.

    Attributes:
        files: the videos, and with ``label_map`` the folder of label maps.
        num_frames: frames predicted.
        fault: why they ended early, or "".
        exit_code: 0; 2 with a fault; 130 or 143 if a signal ended it.
    """

    files: list[Path] = field(default_factory=list)
    num_frames: int = 0
    fault: str = ""
    exit_code: int = 0


def predict_video(
    model: nn.Module,
    model_path: str | Path | None = None,
    *,
    source: str | Path | VideoSource | Camera,
    transforms: Compose | Sequence[Callable[..., Any]],
    save_dir: str | Path = "output/result",
    procedure: Procedure | None = None,
    custom_color: Sequence[int] | None = None,
    palette: Palette | None = None,
    device: str = "auto",
    precision: str = "fp32",
    multilabel: bool = False,
    outputs: Sequence[str] = ("overlay",),
    class_names: Sequence[str] | None = None,
    suffix: str = ".mp4",
    max_frames: int | None = None,
) -> VideoPrediction:
    """Predict a video frame by frame; its frame rate and its time stay, its sound does not come with it.

    Reading, the model and writing overlap, with few frames between them, so memory does not grow with the video. SIGINT
    and SIGTERM end it after the frames under way, and what was written so far can be played.

    Args:
        model: gives a list whose first entry is (1, num_classes, H, W) logits.
        model_path: weights to load first; None takes the model as it is.
        source: path of a file, or a camera or stream, which goes on until it is interrupted or lost for good.
        transforms: those of validation.
        save_dir: gets ``added_prediction/NAME.mp4`` and so on.
        procedure: plain (default), multi-scale and flips, or sliding windows.
        custom_color: flat list r g b r g b ... for the first classes.
        palette: colours of the classes.
        device: ``auto``, ``cpu``, ``gpu``, ``cuda:1`` or ``mps``.
        precision: ``fp32``, or ``bf16`` or ``fp16``, which is faster where the device has it, and rounds.
        multilabel: a pixel may have several classes, or none.
        outputs: ``overlay``, ``legend`` (the overlay with the names of all classes), ``label_map`` (a PNG a frame).
        class_names: one for each class.
        suffix: ``.mp4`` (MPEG-4) or ``.webm`` (VP8, slower, which browsers play too).
        max_frames: end after so many.

    Raises:
        ConfigError: other outputs, or several processes.
        DataError: the source cannot be opened, or has no frame.
        OutputError: the result cannot be written.
    """
    show_log()
    if isinstance(source, str | Path):
        source = VideoSource(Path(source))
    other = [name for name in outputs if name in OUTPUTS and name not in VIDEO_OUTPUTS]
    if other:
        raise ConfigError(f"{other[0]} is written of pictures only; of a video {', '.join(VIDEO_OUTPUTS)}")
    if Processes().count > 1:
        raise ConfigError("frames of a video follow each other, so one process predicts them: start without torchrun")
    save_dir, name = Path(save_dir), _name(source)
    segmenter = Segmenter(model, transforms, procedure, device, model_path, precision)
    results = Results(
        save_dir,
        outputs,
        colours=Colours(palette, custom_color or ()),
        class_names=class_names,
        multilabel=multilabel,
        num_auxiliary=len(segmenter.compose.auxiliary) if multilabel else 0,
    )
    with StopSignal() as stop, segmenter.ready(), ExitStack() as stack:
        frames = _opened(source, stop)
        sink = _Sink(results, save_dir, name, suffix, frames.rate, stack)
        start, count = time.perf_counter(), 0
        steps = stack.enter_context(closing(_predicted(frames, segmenter, results, sink, stop, max_frames)))
        for _ in track(steps, name, total=max_frames or frames.num_frames or None):
            count += 1
    seconds = time.perf_counter() - start
    log.info("%d frames in %.1f s, %.1f a second from start to end", count, seconds, count / seconds)
    log.info("%s; the sound, if the source has any, is not in it", ", ".join(map(str, sink.files)))
    if frames.fault:
        log.error("%s", frames.fault)
    return VideoPrediction(sink.files, count, frames.fault, stop.exit_code or (2 if frames.fault else 0))


def _predicted(
    frames: VideoFile | Camera,
    segmenter: Segmenter,
    results: Results,
    sink: "_Sink",
    stop: StopSignal,
    max_frames: int | None,
) -> Generator[None, None, None]:
    """Something for each frame that is written."""
    source = frames.frames()

    def read(_: None) -> tuple[Frame, Prepared] | None:
        frame = next(source, None)
        return None if frame is None else (frame, segmenter.prepare(frame.image))

    def compute(item: tuple[Frame, Prepared]) -> tuple[Frame, Answer]:
        frame, prepared = item
        return frame, segmenter.answer(prepared, results.answer)

    lanes = segmenter.lanes.count
    with (
        threads(1, "read") as reader,
        threads(lanes, "compute") as pool,
        threads(1, "write") as writer,
        closing(frames),
    ):
        ready = islice(in_order(reader, read, repeat(None), depth=DEPTH + lanes), max_frames)
        wanted = takewhile(lambda item: item is not None and not stop.received, ready)
        computed = in_order(pool, compute, (item for item in wanted if item is not None), depth=lanes + 1)
        yield from in_order(writer, lambda item: sink.write(*item), computed, depth=DEPTH + lanes)


def _opened(source: VideoSource | Camera, stop: StopSignal) -> VideoFile | Camera:
    if isinstance(source, Camera):
        return source
    if isinstance(source.source, Path):
        return VideoFile(source.source)
    return Camera(source.source, is_wanted=lambda: not stop.received)


def _name(source: VideoSource | Camera) -> str:
    """The file's; recordings are named by their time, too, so that none replaces another."""
    if isinstance(source, VideoSource) and isinstance(source.source, Path):
        return source.source.stem
    kind = "camera" if isinstance(source, Camera) or isinstance(source.source, int) else "stream"
    return f"{kind}_{time.strftime('%Y%m%d_%H%M%S')}"


class _Sink:
    """Where frames go: a video for each output that is one, a folder for the label maps."""

    def __init__(self, results: Results, save_dir: Path, name: str, suffix: str, rate: float, stack: ExitStack) -> None:
        self._results, self._num_frames = results, 0
        places = {output: save_dir / FOLDERS[output] / name for output in results.outputs}
        self._folder = places.pop("label_map", None)
        self._writers = {
            output: stack.enter_context(VideoWriter(place.with_name(name + suffix), rate))
            for output, place in places.items()
        }
        self.files = [writer.path for writer in self._writers.values()]
        if self._folder is not None:
            self.files.append(self._folder)

    def write(self, frame: Frame, answer: Answer) -> None:
        """Write one frame everywhere."""
        look = self._results.look(answer.num_classes)
        draw = {"overlay": look.overlay, "legend": look.overlay_with_all_names}
        for output, writer in self._writers.items():
            writer.write(frame._replace(image=draw[output](frame.image, answer)))
        if self._folder is not None:
            write_label_map(self._folder / f"{self._num_frames:06d}.png", answer.ids, look.id_palette)
        self._num_frames += 1
