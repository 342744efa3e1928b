"""Frames of a camera or a stream, which comes back after it was lost."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2

from segwright.engine.video import Frame, frame_rate, quiet, read_frame
from segwright.errors import DataError

log = logging.getLogger("segwright")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds between attempts to reconnect, each twice the one before
PATIENCE = 60.0  # seconds of attempts
LOOK_AFTER = 0.1  # seconds between looks whether anybody still wants frames


class Camera:
    """Frames as they come, until ``close`` or until the source is lost for good.

    Args:
        source: number of a camera, or address of a stream.
        patience: seconds to wait for a lost source to come back.
        is_wanted: asked now and then; False ends the frames as ``close`` does.
        open_capture: opens a source as ``cv2.VideoCapture`` does.
        clock: seconds, of which only differences count.

    Attributes:
        rate: frames a second that the source promises.
        num_frames: 0, as nobody knows.
        fault: after the frames: that the source was lost, or "".

    Raises:
        DataError: there is no such camera or stream.
    """

    def __init__(
        self,
        source: int | str,
        *,
        patience: float = PATIENCE,
        is_wanted: Callable[[], bool] = lambda: True,
        open_capture: Callable[[Any], Any] = cv2.VideoCapture,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._patience = source, patience
        self._open_capture, self._clock = open_capture, clock
        self._is_wanted, self._closed = is_wanted, threading.Event()
        self.name = f"camera {source}" if isinstance(source, int) else f"stream {source.split('@')[-1]}"
        self._capture = self._opened()
        if self._capture is None:
            raise DataError(f"{self.name} cannot be opened; {_advice(source)}")
        self.rate, self.num_frames = frame_rate(self._capture), 0
        self.fault = ""

    def frames(self) -> Iterator[Frame]:
        """The frames, each with the time of its arrival since the first."""
        start: float | None = None
        while not self._is_over:
            image = read_frame(self._capture)
            if image is None:
                if not self._reconnect():
                    break
                continue
            now = self._clock()
            start = now if start is None else start
            yield Frame(image, now - start)
        if self._capture is not None:
            self._capture.release()

    def close(self) -> None:
        """End the frames, from any thread, and any waiting for them."""
        self._closed.set()

    def _reconnect(self) -> bool:
        """Whether the source has come back."""
        log.warning("%s is lost; trying to reach it for %g s", self.name, self._patience)
        self._capture.release()
        lost, pause = self._clock(), FIRST_PAUSE
        while self._clock() - lost < self._patience:
            again = self._clock() + pause
            while self._clock() < again and not self._is_over:
                self._closed.wait(LOOK_AFTER)
            if self._is_over:
                return False
            pause = min(2 * pause, LONGEST_PAUSE)
            self._capture = self._opened()
            if self._capture is not None:
                log.info("%s is back after %.1f s", self.name, self._clock() - lost)
                return True
        self.fault = f"{self.name} was lost and did not come back within {self._patience:g} s"
        return False

    @property
    def _is_over(self) -> bool:
        return self._closed.is_set() or not self._is_wanted()

    def _opened(self) -> Any:
        """The source, or None where it cannot be opened."""
        with quiet():
            capture = self._open_capture(self._source)
        return capture if capture.isOpened() else None


def _advice(source: int | str) -> str:
    if not isinstance(source, int):
        return "see whether a player opens this address on this machine"
    found = sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video*"))
    there = f"the system has {', '.join(found)}" if found else "the system shows no camera at all"
    return f"{there}. Is it plugged in, and free of other programs? For a file of that name give its path, ./{source}"
