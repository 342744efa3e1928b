"""A TIFF or JPEG row by row, by GDAL through rasterio (the extra ``geo``)."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from segwright.errors import DataError
from segwright.images.decode import Decoded, notice
from segwright.images.read import as_rgb

if TYPE_CHECKING:
    from rasterio import DatasetReader

PIECE_PIXELS = 2**21
MAX_BLOCK_ROW = 256 * 2**20  # bytes of the blocks side by side, which are decoded together
CACHE = 64  # MB
DRIVERS = {"TIFF": "GTiff", "JPEG": "JPEG"}
GDAL_OPTIONS = {
    "GDAL_CACHEMAX": CACHE,  # its default, a twentieth of the memory, would fill up with rows that are done with
    "GDAL_NUM_THREADS": "ALL_CPUS",
    "GDAL_ERROR_ON_LIBJPEG_WARNING": True,  # of a JPEG that is cut short libjpeg only warns
}


@contextmanager
def opened_raster(path: Path | str, name: str, kind: str) -> Iterator["Raster"]:
    """A TIFF or JPEG.

    Raises:
        DataError: the file cannot be read, or only in blocks that are too large.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    with rasterio.Env(**GDAL_OPTIONS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                source = rasterio.open(Path(path).resolve(), driver=DRIVERS[kind])
        except RasterioError as error:
            raise DataError(f"{name} ({kind}) cannot be read: {error}") from error
        with source:
            yield Raster(source, name, kind)


class Raster:
    """A file that GDAL reads, block by block.

    Raises:
        DataError: its blocks are too large.
    """

    def __init__(self, source: "DatasetReader", name: str, kind: str) -> None:
        self.source, self.name, self.kind = source, name, kind
        self.colours = (1,) if source.count <= 2 else (1, 2, 3)
        self.row_bytes = source.width * source.count * np.dtype(source.dtypes[0]).itemsize
        height = source.block_shapes[0][0]
        if height * self.row_bytes > MAX_BLOCK_ROW:
            raise DataError(
                f"{name} is stored in blocks of {height} rows, {height * self.row_bytes / 2**30:.1f} GiB that would be "
                f"decoded at once; store it in tiles: rio convert --co TILED=YES {Path(name).name} tiled.tif"
            )
        self.step = height * max(1, PIECE_PIXELS // (height * source.width))

    @property
    def memory(self) -> int:
        """Bytes that reading takes at most: of ``step`` rows the bands, the colours before and after, and the cache."""
        return self.step * (3 * self.row_bytes + 3 * self.source.width) + CACHE * 10**6

    @property
    def georeference(self) -> dict[str, Any]:
        """What there is of: coordinate system and the way from pixels to it, or points on the ground."""
        points, points_crs = self.source.gcps
        if points:
            return {"gcps": points, "crs": points_crs}
        place = {} if self.source.transform.is_identity else {"transform": self.source.transform}
        return place | ({"crs": self.source.crs} if self.source.crs else {})

    def pieces(self, bit_depth: int | None) -> Iterator[np.ndarray]:
        """Rows, (n, W, 3) uint8 RGB, a piece at a time.

        Raises:
            ValueError: the file is damaged or cut short.
            DataError: it has more than 8 bits per value, and no ``bit_depth``.
        """
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        if self.source.count in (2, 4):
            notice(self.name, "has transparency, or a fourth band, which is ignored")
        width, height = self.source.width, self.source.height
        for top in range(0, height, self.step):
            try:
                bands = self.source.read(self.colours, window=Window(0, top, width, min(self.step, height - top)))
            except RasterioError as error:
                raise ValueError(error.__cause__ or error) from error
            yield as_rgb(self._decoded(bands), bit_depth=bit_depth)

    def _decoded(self, bands: np.ndarray) -> Decoded:
        """(1, n, W) or (3, n, W) as a file that stores them."""
        from rasterio.enums import ColorInterp

        values = bands[0] if len(bands) == 1 else np.ascontiguousarray(bands.transpose(1, 2, 0))
        bits = values.dtype.itemsize * 8
        image = Image.fromarray(values if bits == 8 else np.zeros((1, 1), np.uint8))
        if self.source.colorinterp[0] == ColorInterp.palette:
            entries = self.source.colormap(1)
            image.putpalette([value for number in range(256) for value in entries.get(number, (0, 0, 0))[:3]])
            return Decoded(image, None, bits, 1, False, self.name)
        return Decoded(image, values, bits, 1, self.kind == "JPEG", self.name)
