"""Label maps that are too large to be held, written row by row: PNG, or a tiled GeoTIFF."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from segwright.atomic import new_file
from segwright.errors import ConfigError, MissingExtraError, OutputError
from segwright.images.large_raster import GDAL_OPTIONS
from segwright.images.palette import Palette
from segwright.images.whole import GRAY, PNG_SIGNATURE, png_chunk
from segwright.types import Size

Write = Callable[[np.ndarray], None]
"""Takes the next rows: (n, width) class ids."""

TILE = 512  # rows and columns
TIFF_OPTIONS = {
    "driver": "GTiff",
    "tiled": True,
    "blockxsize": TILE,
    "blockysize": TILE,
    "compress": "deflate",
    "BIGTIFF": "IF_SAFER",  # beyond 4 GB, should they be reached
}
PALETTED = 3  # colour type of a PNG


@contextmanager
def label_rows(
    path: Path, size: Size, palette: Palette, georeference: Mapping[str, Any] | None = None
) -> Iterator[Write]:
    """Write a label map from top to bottom. As ``write_label_map``: more than 256 classes are 16-bit gray.

    The file gets its name when the block ends well; before that, and after an error, there is none.

    Args:
        path: where to, ending in .png, .tif or .tiff; missing folders are made.
        size: of the label map.
        palette: colour of each class; its length says how many there are.
        georeference: what ``open_large`` found, for a TIFF.

    Raises:
        ConfigError: the suffix is another.
        MissingExtraError: a TIFF, and rasterio is not installed.
        OSError, OutputError: the file could not be written; an older one is unharmed.
    """
    deep = len(palette) > 256
    with new_file(path) as part:
        writer: AbstractContextManager[Write]
        if path.suffix.lower() == ".png":
            writer = _png(part, size, None if deep else palette)
        elif path.suffix.lower() in (".tif", ".tiff"):
            writer = _tiff(path, part, size, None if deep else palette, georeference or {})
        else:
            raise ConfigError(f"{path}: large label maps are written as .png, .tif or .tiff; end the name in one")
        with writer as write:
            yield write


@contextmanager
def _png(part: Path, size: Size, palette: Palette | None) -> Iterator[Write]:
    """8 bits with a palette, or 16 bits without."""
    bits, colour_type = (16, GRAY) if palette is None else (8, PALETTED)
    deflater = zlib.compressobj()
    written = 0
    with part.open("wb") as stream:
        header = struct.pack(">IIBBBBB", size.width, size.height, bits, colour_type, 0, 0, 0)
        stream.write(PNG_SIGNATURE + png_chunk(b"IHDR", header))
        if palette is not None:
            stream.write(png_chunk(b"PLTE", np.array(palette, np.uint8).tobytes().ljust(3 * 256, b"\0")))

        def write(ids: np.ndarray) -> None:
            nonlocal written
            stored = ids.astype(">u2" if bits == 16 else np.uint8).view(np.uint8).reshape(len(ids), -1)
            unfiltered = np.pad(stored, ((0, 0), (1, 0)))  # each row is led by the number of its filter: 0, none
            stream.write(png_chunk(b"IDAT", deflater.compress(unfiltered.tobytes())))
            written += len(ids)

        yield write
        assert written == size.height, f"{written} rows written of {size.height}"
        stream.write(png_chunk(b"IDAT", deflater.flush()) + png_chunk(b"IEND", b""))


@contextmanager
def _tiff(
    path: Path, part: Path, size: Size, palette: Palette | None, georeference: Mapping[str, Any]
) -> Iterator[Write]:
    """In tiles: 8 bits with a palette, or 16 bits without."""
    try:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioError
        from rasterio.windows import Window
    except ImportError:
        raise MissingExtraError(f"writing {path}, a TIFF, tile by tile,", "geo") from None
    dtype = np.dtype(np.uint16 if palette is None else np.uint8)
    profile = {"height": size.height, "width": size.width, "count": 1, "dtype": dtype, **TIFF_OPTIONS, **georeference}
    windows = [Window(0, top, size.width, min(TILE, size.height - top)) for top in range(0, size.height, TILE)]
    check_sums: list[int] = []
    waiting = np.empty((0, size.width), dtype)  # a tile that is written in parts takes its place several times
    try:
        with rasterio.Env(**GDAL_OPTIONS), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(part, "w", photometric="palette" if palette else "minisblack", **profile) as target:
                if palette:
                    target.write_colormap(1, dict(enumerate(palette)))

                def write(ids: np.ndarray) -> None:
                    nonlocal waiting
                    waiting = np.concatenate([waiting, ids.astype(dtype)])
                    for window in windows[len(check_sums) :]:
                        if len(waiting) < window.height:
                            break
                        block, waiting = np.split(waiting, [window.height])
                        target.write(block, 1, window=window)
                        check_sums.append(zlib.crc32(block.data))

                yield write
                assert len(check_sums) == len(windows), f"{len(waiting)} rows are not followed by those after them"
            with rasterio.open(part) as written:  # closing does not tell that the disk is full
                if check_sums != [zlib.crc32(written.read(1, window=window).data) for window in windows]:
                    raise OutputError(f"cannot write {path}: not all of it could be read again; is the disk full?")
    except RasterioError as error:
        raise OutputError(f"cannot write {path}: {error.__cause__ or error}") from error
