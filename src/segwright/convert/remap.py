"""Masks in other forms as label maps: other ids, colours, or black and white."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from segwright.convert.colour_table import Entry
from segwright.convert.work import Report, convert_files
from segwright.errors import ConfigError, DataError
from segwright.images import default_palette, list_images, output_paths, read_image, read_label, write_label_map

UNKNOWN = 65535
LUMA = (299, 587, 114)  # thousandths of red, green and blue in brightness (ITU-R BT.601)

ReadIds = Callable[[Path], np.ndarray]
"""From a file to (H, W) ids."""


@dataclass(frozen=True)
class NewIds:
    """Ids become others, all at once: 0 to 1 and 1 to 0 swaps them.

    Attributes:
        ids: new id by old id.
        others: what ids not among them become; None keeps them.
    """

    ids: Mapping[int, int]
    others: int | None = None

    def __call__(self, path: Path) -> np.ndarray:
        """Read and translate; a ``DataError`` if it is no label map."""
        label = read_label(path)
        result = label.astype(np.int32) if self.others is None else np.full(label.shape, self.others, np.int32)
        for old, new in self.ids.items():
            result[label == old] = new
        return result


@dataclass(frozen=True)
class Colours:
    """Colours become the ids of their classes.

    Attributes:
        entries: the colours.
        tolerance: how far, in each of red, green and blue, a colour may be from one of them and still is taken for the
            nearest. 0 for clean masks; JPEG and smoothed edges need more.
        others: what further colours become; None makes them an error.
    """

    entries: Sequence[Entry]
    tolerance: int = 0
    others: int | None = None
    palette: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "palette", np.array([entry.colour for entry in self.entries], np.int32))

    @cached_property
    def _known(self) -> np.ndarray:
        """Id by 24-bit colour; made once in each process, for looking up is much faster than comparing."""
        table = np.full(1 << 24, UNKNOWN, np.uint16)
        table[_packed(self.palette)] = [entry.class_id for entry in self.entries]
        return table

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in self.__dict__.items() if key != "_known"}  # 32 MB that others can make

    def __call__(self, path: Path) -> np.ndarray:
        """Read and translate.

        Raises:
            DataError: it is no picture, or holds colours that stand for nothing.
        """
        packed = _packed(read_image(path).astype(np.int32))
        label = self._known[packed]
        is_unknown = label == UNKNOWN
        if is_unknown.any():
            label[is_unknown] = self._nearest(packed[is_unknown], path)
        return label

    def _nearest(self, packed: np.ndarray, path: Path) -> np.ndarray:
        colours, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
        rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1)
        ids = np.empty(len(colours), np.uint16)
        far: list[int] = []
        for index, colour in enumerate(rgb):
            distances = np.abs(self.palette - colour).max(axis=1)
            nearest = int(distances.argmin())
            ids[index] = self.entries[nearest].class_id
            if distances[nearest] > self.tolerance:
                far.append(index)
        if not far:
            return ids[places]
        if self.others is None:
            far.sort(key=lambda index: -counts[index])
            shown = ", ".join(f"{tuple(rgb[i].tolist())} in {counts[i]} pixels" for i in far[:5])
            raise DataError(
                f"{path} has {len(far)} colours that stand for no class: {shown}; add them to the table, or say "
                "--tolerance N for blurred edges and JPEG, or --others 255"
            )
        ids[far] = self.others
        return ids[places]


@dataclass(frozen=True)
class Threshold:
    """Black and white: brightness from ``lowest`` on is 1, below it 0. JPEG will do."""

    lowest: int

    def __call__(self, path: Path) -> np.ndarray:
        """Read and divide; a ``DataError`` if it is no picture."""
        red, green, blue = LUMA
        image = read_image(path).astype(np.int32)
        brightness = (image[:, :, 0] * red + image[:, :, 1] * green + image[:, :, 2] * blue + 500) // 1000
        return (brightness >= self.lowest).astype(np.uint8)


@dataclass(frozen=True)
class MaskJob:
    """A mask, and the label map to write."""

    source: Path
    path: Path

    @property
    def results(self) -> tuple[Path, ...]:
        """The label map."""
        return (self.path,)


def convert_masks(
    source: Path,
    out: Path,
    read: ReadIds,
    palette: Sequence[tuple[int, int, int]] | None = None,
    *,
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """Write a label map for each mask, below ``out`` as they lie below ``source``.

    Args:
        source: a picture, a folder with sub-folders, or a text file that lists pictures.
        out: gets PNG files; another folder than that of the masks, which stay as they are.
        read: ``NewIds``, ``Colours``, ``Threshold`` or ``images.read_label``.
        palette: of the label maps.
        num_workers: processes.
        overwrite: replace label maps that are there.

    Raises:
        ConfigError: ``out`` is where the masks are.
        DataError: there are none.
    """
    if out.resolve() == (source if source.is_dir() else source.parent).resolve():
        raise ConfigError(f"{out} holds the masks themselves, which are never written over; give another folder")
    masks = list_images(source)
    paths = [out / place for place in output_paths(masks, source, ".png")]
    return convert_mask_files(
        dict(zip(masks, paths, strict=True)), read, palette, num_workers=num_workers, overwrite=overwrite
    )


def convert_mask_files(
    paths: Mapping[Path, Path],
    read: ReadIds,
    palette: Sequence[tuple[int, int, int]] | None = None,
    *,
    num_workers: int = 0,
    overwrite: bool = False,
) -> Report[Path]:
    """``convert_masks`` where it is said of each mask which label map it becomes."""
    jobs = [MaskJob(mask, path) for mask, path in paths.items()]
    work = partial(_convert, read, list(palette or default_palette(256)))
    return convert_files(jobs, work, num_workers=num_workers, overwrite=overwrite)


def _convert(read: ReadIds, palette: list[tuple[int, int, int]], job: MaskJob) -> Path:
    write_label_map(job.path, read(job.source), palette)
    return job.path


def _packed(rgb: np.ndarray) -> np.ndarray:
    """(..., 3) int32 -> (...): red, green and blue in one number."""
    return rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]
