"""Where overlays go: a window, a video file, or a folder of pictures."""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import cv2
import numpy as np
from errors import EdgeError
from picture_files import write_picture

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
TITLE = "segwright"
ESCAPE = 27


class Sink(Protocol):
    """Takes overlays; a context manager, so that a video is whole even where the program is stopped."""

    def show(self, overlay: np.ndarray, count: int) -> bool:
        """Take an overlay, (H, W, 3) uint8 RGB, in the place of ``count`` frames; False: the user wants to stop."""
        ...

    def __enter__(self) -> "Sink": ...

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None: ...


class Window:
    """A window on the screen, until `q` or Escape is pressed or it is closed.

    Raises:
        EdgeError: this OpenCV, or this session, has no windows.
    """

    def __init__(self) -> None:
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL)
        except cv2.error as error:
            raise EdgeError(
                "no window can be opened: add --headless --save out.mp4, or install opencv-python in place of "
                "opencv-python-headless and start this from a desktop"
            ) from error

    def show(self, overlay: np.ndarray, count: int) -> bool:  # noqa: ARG002
        """Draw it, and look at the keyboard."""
        cv2.imshow(TITLE, cv2.cvtColor(overlay, cv2.COLOR_RGB2BGR))
        pressed = cv2.waitKey(1) & 0xFF in (ord("q"), ESCAPE)
        return not pressed and cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) > 0

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        cv2.destroyAllWindows()


class VideoFile:
    """A video with the rate of its source; a frame stands for those that were dropped before it, too.

    Args:
        path: ``.mp4`` or ``.avi``.
        rate: frames per second.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self.path, self._rate = path, rate
        self._part = path.with_name(f".{path.stem}.part{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def show(self, overlay: np.ndarray, count: int) -> bool:
        """Write it ``count`` times.

        Raises:
            EdgeError: the file cannot be written, or the frames change their size.
        """
        size = overlay.shape[1::-1]
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
            self._writer, self._size = cv2.VideoWriter(str(self._part), codec, self._rate, size), size
            if not self._writer.isOpened():
                raise EdgeError(f"cannot write {self.path}: give another place, .avi, or a folder")
        if size != self._size:
            raise EdgeError(f"frames of {size} and {self._size} pixels do not fit into one video: --save a folder")
        frame = cv2.cvtColor(overlay, cv2.COLOR_RGB2BGR)
        for _ in range(count):
            self._writer.write(frame)
        return True

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        """What was written so far is kept, whatever ended it."""
        if self._writer is not None:
            self._writer.release()
            if self._part.exists():
                os.replace(self._part, self.path)


class Folder:
    """Numbered pictures in a folder."""

    def __init__(self, path: Path) -> None:
        self._path, self._number = path, 0

    def show(self, overlay: np.ndarray, count: int) -> bool:  # noqa: ARG002
        """Write it."""
        self._number += 1
        write_picture(self._path / f"{self._number:06d}.jpg", overlay)
        return True

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        pass


def open_sink(save: Path | None, rate: float) -> Sink:
    """A window, or what ``save`` names: ``.mp4`` or ``.avi`` a video, else a folder."""
    if save is None:
        return Window()
    return VideoFile(save, rate) if save.suffix.lower() in CODECS else Folder(save)
