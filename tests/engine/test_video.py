"""Frames out of video files and into them, and cameras that go away."""

import struct
from itertools import pairwise

import cv2
import numpy as np
import pytest
from test_evaluation import Threshold

import segwright.transforms as T
from segwright.engine.camera import Camera
from segwright.engine.video import Frame, VideoFile, VideoWriter
from segwright.engine.video_prediction import predict_video
from segwright.errors import ConfigError, DataError, OutputError

HEIGHT, WIDTH = 48, 64
STEP = 10  # of brightness from frame to frame


def numbered(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A frame whose brightness tells its number and whose top left corner is white."""
    image = np.full((height, width, 3), 10 + STEP * number, np.uint8)
    image[: height // 2, : width // 2] = 255
    return image


def number_of(image: np.ndarray) -> int:
    return round((float(image[-8:, -8:].mean()) - 10 + STEP / 4) / STEP)  # codecs darken by a little


def write_video(path, count=20, rate=25.0, **size):
    with VideoWriter(path, rate) as writer:
        for number in range(count):
            writer.write(Frame(numbered(number, **size), number / rate))
    return path


def frames_of(path) -> list[Frame]:
    return list(VideoFile(path).frames())


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
@pytest.mark.parametrize("rate", [25.0, 30000 / 1001, 7.5])
def test_frames_and_their_rate_come_back(tmp_path, suffix, rate):
    video = VideoFile(write_video(tmp_path / f"clip{suffix}", rate=rate))
    frames = list(video.frames())
    assert video.rate == pytest.approx(rate, rel=1e-3)
    assert (len(frames), video.fault) == (20, "")
    assert [number_of(frame.image) for frame in frames] == list(range(20))
    assert frames[-1].time == pytest.approx(19 / rate, abs=0.01)
    assert [path.name for path in tmp_path.iterdir()] == [f"clip{suffix}"]


@pytest.mark.parametrize(("height", "width"), [(47, 63), (48, 63), (33, 48), (17, 31)])
def test_r91_odd_sizes_are_padded_by_one(tmp_path, height, width):
    (frame, *_) = frames_of(write_video(tmp_path / "odd.mp4", count=3, height=height, width=width))
    assert frame.image.shape == (height + height % 2, width + width % 2, 3)


def test_r91_frames_are_turned_as_the_file_says(tmp_path):
    path = write_video(tmp_path / "turned.mp4", count=5)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # ISO 14496-12, 8.3.2: the matrix of the track's header
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, HEIGHT << 16, 0, 1 << 30)
    path.write_bytes(content)
    image = frames_of(path)[0].image
    assert image.shape == (WIDTH, HEIGHT, 3)
    assert image[:8, -8:].mean() > 200  # what was top left is top right after a turn to the right
    assert image[:8, :8].mean() < 60


def test_r91_a_varying_rate_keeps_its_timing(tmp_path):
    times = [0.0, 0.04, 0.08, 0.3, 0.34, 0.35, 0.36, 0.8]
    with VideoWriter(tmp_path / "clip.mp4", 25.0) as writer:
        for number, time in enumerate(times):
            writer.write(Frame(numbered(number), time))
    frames = frames_of(tmp_path / "clip.mp4")
    assert len(frames) == round(0.8 * 25) + 1
    for number, time in enumerate(times):
        shown = number_of(frames[int(time * 25 + 0.5)].image)
        assert abs(times[shown] - time) <= 1.01 / 25, number


def test_a_long_gap_is_left_out(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", 25.0) as writer:
        for number, time in enumerate((0.0, 0.04, 3600.0, 3600.04)):
            writer.write(Frame(numbered(number), time))
    assert [number_of(frame.image) for frame in frames_of(tmp_path / "clip.mp4")] == [0, 1, 2, 3]


def test_r91_no_frames_and_no_video_are_clear_errors(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").write_bytes(b"")
    whole = write_video(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])  # its table of contents, at the end, is lost
    for name in ("text.mp4", "empty.mp4", "cut.mp4"):
        with pytest.raises(DataError, match=rf"{name} (cannot be opened|holds no frame)"):
            frames_of(tmp_path / name)


def test_r91_a_corrupt_tail_ends_at_the_last_good_frame(tmp_path, shared):
    whole = (shared / "data/pictures/solidWhiteRight.mp4").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 8])  # its table of contents is at the beginning
    video = VideoFile(path)
    count = sum(1 for _ in video.frames())
    assert 5 < count < 100
    assert f"has 221 frames, but only {count} can be read" in video.fault


def test_times_of_real_frames_grow_evenly(shared):
    video = VideoFile(shared / "data/pictures/solidWhiteRight.mp4")
    assert (video.rate, video.num_frames) == (25, 221)
    frames = video.frames()
    times = [next(frames).time for _ in range(6)]
    assert [later - time for time, later in pairwise(times)] == pytest.approx([0.04] * 5)
    video.close()
    assert list(frames) == []
    assert video.fault == ""


def test_what_is_not_wholly_written_is_an_error_and_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(VideoWriter, "_count", lambda _: 3)
    with pytest.raises(OutputError, match=r"only 3 of 20 frames arrived; the disk may be full"):
        write_video(tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_before_an_error_is_kept(tmp_path):
    writer = VideoWriter(tmp_path / "clip.mp4", 25.0)

    def fail() -> None:
        with writer:
            writer.write(Frame(numbered(0), 0.0))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert len(frames_of(tmp_path / "clip.mp4")) == 1


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.mp4, \.webm"):
        VideoWriter(tmp_path / "clip.gif", 25.0)


class Source:
    """Stands for ``cv2.VideoCapture`` on a camera that is unplugged now and then, and for the clock.

    Args:
        frames: how many frames each connection gives.
        away: how many attempts to connect fail after each.
    """

    def __init__(self, frames: list[int], away: list[int]) -> None:
        self.plan = [*(step for pair in zip(frames, away, strict=True) for step in pair)]
        self.attempts: list[float] = []
        self.left = 0
        self.now = 0.0

    def __call__(self, _: object) -> "Source":
        self.attempts.append(self.now)
        if len(self.plan) % 2 and self.plan[0] > 0:
            self.plan[0] -= 1
            self.left = -1
            return self
        if len(self.plan) % 2:
            self.plan.pop(0)
        self.left = self.plan.pop(0) if self.plan else -1
        return self

    def clock(self) -> float:
        self.now += 0.01
        return self.now

    def isOpened(self) -> bool:  # noqa: N802
        return self.left >= 0

    def read(self) -> tuple[bool, np.ndarray | None]:
        if self.left <= 0:
            return False, None
        self.left -= 1
        self.now += 0.03
        return True, numbered(1)

    def get(self, key: int) -> float:
        return 25.0 if key == cv2.CAP_PROP_FPS else 0.0

    def release(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("segwright.engine.camera.LOOK_AFTER", 0.0)


def test_r90_a_camera_that_comes_back_goes_on(tmp_path):
    source = Source([5, 7], [3, 10**6])
    camera = Camera(0, open_capture=source, clock=source.clock, patience=30)
    with VideoWriter(tmp_path / "camera.mp4", camera.rate) as writer:
        for frame in camera.frames():
            writer.write(frame)
    assert "camera 0 was lost and did not come back within 30 s" in camera.fault
    pauses = np.diff(source.attempts[1:6])
    assert pauses[0] == pytest.approx(1, abs=0.2)
    assert pauses[1] == pytest.approx(2, abs=0.2)  # each pause is twice the one before
    assert source.attempts[-1] - source.attempts[-2] == pytest.approx(8, abs=0.2)  # up to a longest
    assert len(frames_of(tmp_path / "camera.mp4")) == writer.num_frames >= 12  # and the file plays


def test_r90_a_recording_plays_when_the_camera_is_gone_for_good(tmp_path):
    source = Source([6], [10**6])
    camera = Camera(0, open_capture=source, clock=source.clock)
    options = {"transforms": [T.Normalize()], "device": "cpu", "save_dir": tmp_path}
    result = predict_video(Threshold(), source=camera, outputs=["overlay", "legend"], **options)
    assert (result.num_frames, result.exit_code) == (6, 2)
    assert "was lost" in result.fault
    assert all(path.name.startswith("camera_") and len(frames_of(path)) >= 6 for path in result.files)


def test_a_recording_ends_after_so_many_frames(tmp_path):
    source = Source([100], [0])
    camera = Camera(0, open_capture=source, clock=source.clock)
    options = {"transforms": [T.Normalize()], "device": "cpu", "save_dir": tmp_path, "max_frames": 5}
    result = predict_video(Threshold(), source=camera, **options)
    assert (result.num_frames, result.exit_code, result.fault) == (5, 0, "")


def test_a_camera_ends_when_nobody_wants_it():
    source = Source([100], [0])
    camera = Camera("rtsp://user:secret@host/1", open_capture=source, clock=source.clock)
    frames = camera.frames()
    next(frames)
    camera.close()
    assert list(frames) == []
    assert camera.fault == ""
    assert camera.name == "stream host/1"  # no password in the log

    wanted = [True]
    lost = Camera(0, open_capture=(again := Source([2], [10**6])), clock=again.clock, is_wanted=lambda: wanted[0])
    frames = lost.frames()
    assert len([next(frames), next(frames)]) == 2
    wanted[0] = False
    assert list(frames) == []
    assert lost.fault == ""


def test_no_camera_is_a_clear_error():
    with pytest.raises(DataError, match=r"camera 97 cannot be opened; the system .* free of other programs"):
        Camera(97)
