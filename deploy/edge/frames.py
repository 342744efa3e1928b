"""Where frames come from: a camera whose stale ones are dropped, a video file, or pictures."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from errors import EdgeError
from picture_files import SUFFIXES, list_pictures, read_picture

PATIENCE = 10  # seconds without a frame after which a camera counts as gone
UNKNOWN_RATE = 25.0  # frames per second of a source that does not tell


class Frame(NamedTuple):
    """A frame.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        count: how many frames the source gave since the last one that was used; of a camera, all but this one were
            dropped because they were stale.
    """

    picture: np.ndarray
    count: int


class Source(Protocol):
    """Frames, their rate, and whether they are live."""

    rate: float
    live: bool

    def __iter__(self) -> Iterator[Frame]:
        """The frames."""
        ...

    def close(self) -> None:
        """Let the device or file go."""
        ...


def open_source(name: str) -> Source:
    """A camera by its number or device file, a stream by its address, a video file, or a picture or folder of them.

    Raises:
        EdgeError: there is no such thing, or it cannot be opened.
    """
    path = Path(name)
    if name.isdecimal() or "://" in name or name.startswith("/dev/"):
        return Camera(_opened(int(name) if name.isdecimal() else name, f"camera {name}"), f"camera {name}")
    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return Pictures(path)
    if not path.is_file():
        raise EdgeError(f"{name} does not exist: --source is a camera's number, an address, a video or a folder")
    return Video(_opened(name, name), name)


def _opened(where: int | str, name: str) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(where)
    if not capture.isOpened():
        hint = "is it plugged in, and in use by no other program? `v4l2-ctl --list-devices` lists those that there are"
        raise EdgeError(f"{name} cannot be opened{f'; {hint}' if name.startswith('camera') else ': is it a video?'}")
    return capture


class Camera:
    """Always the newest frame: a thread takes them all, and the one that nobody took in time is dropped.

    Args:
        capture: an opened ``cv2.VideoCapture``.
        name: for messages.
    """

    live = True

    def __init__(self, capture: Any, name: str) -> None:
        self.rate = capture.get(cv2.CAP_PROP_FPS) or UNKNOWN_RATE
        self._capture, self._name = capture, name
        self._changed = threading.Condition()
        self._newest: np.ndarray | None = None
        self._count, self._ended = 0, False
        self._thread = threading.Thread(target=self._take, name="camera", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._newest is not None or self._ended, PATIENCE):
                    raise EdgeError(f"{self._name} has given no frame for {PATIENCE} s: check its cable, and try again")
                if self._newest is None:
                    raise EdgeError(f"{self._name} has stopped giving frames: was it unplugged?")
                newest, count = self._newest, self._count
                self._newest, self._count = None, 0
            yield Frame(_rgb(newest), count)

    def _take(self) -> None:
        while not self._ended:
            is_there, frame = self._capture.read()
            with self._changed:
                if is_there:
                    self._newest, self._count = frame, self._count + 1
                else:
                    self._ended = True
                self._changed.notify()

    def close(self) -> None:
        """End the thread, then the camera: letting it go while it is read would crash."""
        self._ended = True
        self._thread.join(PATIENCE)
        self._capture.release()


class Video:
    """Every frame of a file."""

    live = False

    def __init__(self, capture: Any, name: str) -> None:
        self.rate = capture.get(cv2.CAP_PROP_FPS) or UNKNOWN_RATE
        self._capture, self._name = capture, name

    def __iter__(self) -> Iterator[Frame]:
        is_empty = True
        while True:
            is_there, frame = self._capture.read()
            if not is_there:
                break
            is_empty = False
            yield Frame(_rgb(frame), 1)
        if is_empty:
            raise EdgeError(f"{self._name} gives no frame: it is damaged, or of a kind that this OpenCV cannot read")

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class Pictures:
    """A picture, or those of a folder in alphabetical order."""

    rate, live = UNKNOWN_RATE, False

    def __init__(self, path: Path) -> None:
        self._paths = list_pictures(path)

    def __iter__(self) -> Iterator[Frame]:
        return (Frame(read_picture(path), 1) for path in self._paths)

    def close(self) -> None:
        """Nothing is open."""


def _rgb(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
