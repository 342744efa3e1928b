"""What ``--image_path`` stands for: pictures, a video, or a camera."""

import glob
from dataclasses import dataclass, field
from pathlib import Path

from segwright.datasets.list_file import read_pairs
from segwright.errors import DataError
from segwright.images import IMAGE_SUFFIXES, list_images

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".ts", ".flv", ".ogv")
STREAMS = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://")


@dataclass(frozen=True)
class Pictures:
    """Picture files.

    Attributes:
        images: the files.
        folder: results keep the sub-folders that lie between it and a picture.
        labels: label maps of pictures, as a list file names them in its second column.
    """

    images: list[Path]
    folder: Path
    labels: dict[Path, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoSource:
    """A video file, a camera's number, or the address of a stream."""

    source: Path | int | str


def find_inputs(path: str | Path) -> Pictures | VideoSource:
    """What a path stands for.

    Args:
        path: a picture, a folder of pictures, a text file that lists some, a pattern like ``pics/**/*.jpg``, a video
            file, the number of a camera, or the address of a stream (``rtsp://...``). What exists under a name is
            taken for that, whatever the name looks like.

    Raises:
        DataError: there is no such thing, or no picture in it.
    """
    text, place = str(path), Path(path)
    if text.startswith(STREAMS):
        return VideoSource(text)
    if place.is_file() and place.suffix.lower() in VIDEO_SUFFIXES:
        return VideoSource(place)
    if place.is_dir():
        return Pictures(list_images(place), place)
    if place.is_file():
        images = list_images(place)
        return Pictures(images, place.parent, {} if images == [place] else _labels(place))
    if text.isdecimal():
        return VideoSource(int(text))
    if glob.has_magic(text):
        return _matching(text)
    raise DataError(
        f"{place} does not exist; want a picture, a folder, a text file that lists pictures, a pattern in quotes, a "
        "video file, the number of a camera or the address of a stream"
    )


def _matching(pattern: str) -> Pictures:
    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207, of any folder
    images = [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    videos = [path for path in found if path.suffix.lower() in VIDEO_SUFFIXES]
    if videos and not images:
        raise DataError(f"{pattern} matches {len(videos)} videos: predict them one by one, such as {videos[0]}")
    if not images:
        raise DataError(f"{pattern} matches {len(found)} files, none of them a picture ({', '.join(IMAGE_SUFFIXES)})")
    parts = Path(pattern).parts
    start = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return Pictures(images, Path(*parts[:start]))


def _labels(list_file: Path) -> dict[Path, Path]:
    """Label maps that a list of pictures names too; none where it names pictures only."""
    for root in (list_file.parent, Path()):
        try:
            return {pair.image: pair.label for pair in read_pairs(list_file, root) if pair.label is not None}
        except DataError:
            continue
    return {}
