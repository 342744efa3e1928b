"""Frames out of a video file, and into one. OpenCV decodes and encodes; sound is not among what it handles."""

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import cv2
import numpy as np

from segwright.atomic import ensure_folder
from segwright.errors import ConfigError, DataError, OutputError, suggest
from segwright.types import Size

log = logging.getLogger("segwright")

CODECS = {".mp4": "mp4v", ".webm": "VP80"}
"""What OpenCV's own builds write everywhere: MPEG-4 Part 2, which is fast, and VP8, which browsers play as well."""

USUAL_RATE = 25.0  # frames a second where a source does not say
FASTEST = 1000.0
LONGEST_GAP = 2.0  # seconds without a frame that the last one fills; longer ones are left out
SHORTFALL = 0.01  # share of the frames a file promises that may be missing: some containers only estimate their number


class Frame(NamedTuple):
    """A picture of a video: (H, W, 3) uint8 RGB, upright, and its time in seconds since the first."""

    image: np.ndarray
    time: float


class VideoFile:
    """Frames of a video file.

    Args:
        path: the file.

    Attributes:
        rate: frames a second, on average where that varies.
        num_frames: what the file says; 0 if it does not.
        fault: after the frames: why they ended early, or "".

    Raises:
        DataError: it is no video, or one without a frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with quiet():
            self._capture = cv2.VideoCapture(str(path))
        self._is_closed = False
        if not self._capture.isOpened():
            raise DataError(
                f"{path} cannot be opened as a video: it is damaged, cut short before its table of contents, or in a "
                "format that OpenCV does not read; see whether a player opens it, or write it anew as MP4"
            )
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        self.rate = frame_rate(self._capture)
        self.num_frames = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.fault = ""

    def frames(self) -> Iterator[Frame]:
        """All that can be read, up to the first that cannot.

        Raises:
            DataError: there is none.
        """
        count, size, last = 0, None, 0.0
        while not self._is_closed and (image := read_frame(self._capture)) is not None:
            size = size or Size.of(image)
            if Size.of(image) != size:
                self.fault = f"{self.path} changes its size after frame {count}: from {size} to {Size.of(image)}"
                break
            time = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if count and not time > last:  # files without times, and those whose times run backwards
                time = last + 1 / self.rate
            last = time
            yield Frame(image, time)
            count += 1
        self._capture.release()
        if self._is_closed:
            return
        if not count:
            raise DataError(f"{self.path} holds no frame that can be read")
        if not self.fault and count < (1 - SHORTFALL) * self.num_frames - 1:
            self.fault = (
                f"{self.path} says that it has {self.num_frames} frames, but only {count} can be read: it is damaged "
                "or cut short, and the result stops at the last good frame"
            )

    def close(self) -> None:
        """End the frames before the next one, from any thread."""
        self._is_closed = True


class VideoWriter:
    """A video file of a constant frame rate, whole or not there; a context manager.

    Frames come with their times. Where they come slower than the rate, one is written several times, and where they
    come faster, some are left out, so that the result lasts as long as its source. Odd sizes, which the codecs cannot
    write, get one more column or row like the last. What was written when the block ends by an error is kept.

    Args:
        path: ends in .mp4 or .webm; appears under its name when the block ends.
        rate: frames a second.

    Attributes:
        num_frames: written so far.

    Raises:
        ConfigError: the suffix is none of these.
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path, rate: float) -> None:
        if path.suffix.lower() not in CODECS:
            raise ConfigError(f"{path}: videos are written with the suffix {suggest(path.suffix, CODECS)}")
        ensure_folder(path.parent)
        self.path, self.rate = path, rate
        self.num_frames = 0
        self._part = path.with_name(f".part.{path.name}")  # the suffix tells OpenCV the format
        self._writer: Any = None
        self._size: Size | None = None
        self._start = self._last_time = 0.0
        self._last: np.ndarray | None = None

    def __enter__(self) -> "VideoWriter":
        return self

    def write(self, frame: Frame) -> None:
        """Write a frame, (H, W, 3) uint8 RGB, all of one size; times grow.

        Raises:
            OutputError: the file cannot be written.
        """
        image = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
        odd = image.shape[0] % 2, image.shape[1] % 2
        if any(odd):
            image = cv2.copyMakeBorder(image, 0, odd[0], 0, odd[1], cv2.BORDER_REPLICATE)
        if self._writer is None:
            self._open(Size.of(image))
            self._start = frame.time
        elif frame.time - self._last_time > LONGEST_GAP:
            self._start += frame.time - self._last_time - 1 / self.rate
        place = int((frame.time - self._start) * self.rate + 0.5)
        for _ in range(place - self.num_frames):
            self._append(self._last)
        if place >= self.num_frames:
            self._append(image)
        self._last, self._last_time = image, frame.time

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            return
        self._writer.release()
        written = self._count()
        if written < self.num_frames:
            self._part.unlink(missing_ok=True)
            raise OutputError(
                f"{self.path} could not be written: only {written} of {self.num_frames} frames arrived; the disk may "
                "be full"
            ) from error
        self._part.replace(self.path)

    def _open(self, size: Size) -> None:
        code = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        with quiet():
            self._writer = cv2.VideoWriter(str(self._part), code, self.rate, size[::-1])
        if not self._writer.isOpened():
            raise OutputError(f"{self.path} cannot be written as a video of {size} at {self.rate:g} frames a second")

    def _append(self, image: np.ndarray | None) -> None:
        self._writer.write(image)
        self.num_frames += 1

    def _count(self) -> int:
        """Frames of the finished file, which tell whether all of it is on the disk: OpenCV reports no failure."""
        with quiet():
            capture = cv2.VideoCapture(str(self._part))
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
        capture.release()
        return count


def read_frame(capture: Any) -> np.ndarray | None:
    """The next picture of an OpenCV capture, (H, W, 3) uint8 RGB, or None."""
    is_read, image = capture.read()
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if is_read and image is not None and image.size else None


def frame_rate(capture: Any) -> float:
    """Frames a second of an OpenCV capture, ``USUAL_RATE`` if it does not know."""
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if math.isfinite(rate) and 0 < rate <= FASTEST else USUAL_RATE


@contextmanager
def quiet() -> Iterator[None]:
    """OpenCV says nothing on standard error meanwhile; what matters is said by us.

    FFmpeg within it has a level of its own, asked for when the first file is opened: nothing but what the user wants.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(0)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)
