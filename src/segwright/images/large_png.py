"""A PNG row by row (PNG 3rd edition, W3C 2025), in memory for some rows only.

The deflated stream is cut into bands of whole rows. Each band becomes a small PNG of its own, and what decodes any
other PNG decodes it: only the row above it, which its filters refer to, has to be handed on.
"""

import struct
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np

from segwright.errors import DataError
from segwright.images.decode import decode, exif_orientation
from segwright.images.read import as_rgb
from segwright.images.whole import PNG_SIGNATURE, png_chunk

PIECE_PIXELS = 2**21
PNG_MEMORY = 48 * PIECE_PIXELS  # bytes at most: a piece in its forms, of up to eight bytes a pixel each
PART = 2**16  # bytes of a chunk that are read at once

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
COLOURS = (b"PLTE", b"tRNS")  # chunks that say what stored numbers mean

# Filters work on bytes, and on those one pixel back: any row can be taken as one of a picture whose pixels have as many
# bytes. These are the colour type and bits, by bytes, of pictures that OpenCV decodes to the numbers stored.
STAND_INS = {1: (0, 8), 2: (0, 16), 3: (2, 8), 4: (6, 8), 6: (2, 16), 8: (6, 16)}


class Header(NamedTuple):
    """The chunk IHDR."""

    width: int
    height: int
    bits: int
    colour_type: int
    compression: int = 0
    filters: int = 0
    interlace: int = 0

    @property
    def pixel_bytes(self) -> int:
        """From a byte to the one that filters compare it with."""
        return max(1, CHANNELS[self.colour_type] * self.bits // 8)

    @property
    def row_bytes(self) -> int:
        """Of a row without its filter."""
        return -(-self.width * CHANNELS[self.colour_type] * self.bits // 8)

    def file(self, rows: bytes, colours: bytes = b"") -> bytes:
        """A PNG of these rows, each led by the number of its filter."""
        header = self._replace(height=len(rows) // (1 + self.row_bytes))
        pixels = png_chunk(b"IDAT", zlib.compress(rows, 0))
        return b"".join([PNG_SIGNATURE, png_chunk(b"IHDR", header.packed()), colours, pixels, png_chunk(b"IEND", b"")])

    def packed(self) -> bytes:
        """As it stands in the file."""
        return struct.pack(">IIBBBBB", *self)


def png_pieces(stream: BinaryIO, name: str, bit_depth: int | None) -> Iterator[np.ndarray]:
    """Rows of a PNG without interlacing, (n, W, 3) uint8 RGB, a piece at a time.

    Raises:
        ValueError, struct.error, zlib.error: the file is damaged or cut short.
        DataError: it has more than 8 bits per value, and no ``bit_depth``.
    """
    stream.seek(len(PNG_SIGNATURE))
    parts = _chunk_parts(stream)
    header = Header(*struct.unpack(">IIBBBBB", next(parts)[1]))
    colours = b""
    for kind, data in parts:
        if kind == b"IDAT":
            break
        if kind in COLOURS:
            colours += png_chunk(kind, data)
    pixels = chain([data], (data for kind, data in parts if kind == b"IDAT"))

    num_rows = max(1, PIECE_PIXELS // header.width)
    counts = [min(num_rows, header.height - top) for top in range(0, header.height, num_rows)]
    above = np.zeros(header.row_bytes, np.uint8)
    for filtered in _inflated(pixels, [count * (1 + header.row_bytes) for count in counts]):
        stored = _unfiltered(filtered, above, header)
        above = stored[-1]
        plain = header.file(np.pad(stored, ((0, 0), (1, 0))).tobytes(), colours)
        yield as_rgb(decode(plain)._replace(name=name), bit_depth=bit_depth)

    for kind, data in parts:  # to the end of the file: check sums, and a late EXIF block
        if kind == b"eXIf" and exif_orientation(data) != 1:
            raise DataError(f"{name} asks, behind its pixels, for the picture to be turned (EXIF); save it upright")


def _chunk_parts(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of every chunk to the last, long ones in several parts, check sums compared.

    Raises:
        ValueError: the file is cut, or its bytes have changed since it was written.
    """
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", _exactly(stream, 8))
        check_sum = zlib.crc32(kind)
        for start in range(0, max(1, length), PART):
            data = _exactly(stream, min(PART, length - start))
            check_sum = zlib.crc32(data, check_sum)
            yield kind, data
        if _exactly(stream, 4) != struct.pack(">I", check_sum):
            raise ValueError(f"the check sum of its chunk {kind!r} is wrong")


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise ValueError(f"it ends before its last chunk, after {stream.tell()} bytes")
    return data


def _inflated(deflated: Iterator[bytes], counts: list[int]) -> Iterator[bytes]:
    """Pieces of exactly so many bytes as ``counts`` says, of a zlib stream."""
    inflater = zlib.decompressobj()
    data = b""
    for count in counts:
        piece = bytearray()
        while len(piece) < count:
            fresh = inflater.decompress(data, count - len(piece))
            piece += fresh
            data = inflater.unconsumed_tail
            if not fresh and not data and not (data := next(deflated, b"")):
                raise ValueError("its pixels end before the last row")
        yield bytes(piece)


def _unfiltered(filtered: bytes, above: np.ndarray, header: Header) -> np.ndarray:
    """(n, row bytes) uint8 as stored, from rows led by the number of their filter and the row above the first."""
    if max(filtered[:: 1 + header.row_bytes]) > 4:
        raise ValueError("a row has a filter that PNG does not know")
    colour_type, bits = STAND_INS[header.pixel_bytes]
    stand_in = Header(header.row_bytes // header.pixel_bytes, 0, bits, colour_type)
    content = stand_in.file(b"\x00" + above.tobytes() + filtered)
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise ValueError("its rows cannot be decoded")
    if values.ndim == 3:
        values = values[:, :, [2, 1, 0, 3][: values.shape[2]]]  # OpenCV gives blue first
    big_endian = np.ascontiguousarray(values, ">u2" if bits == 16 else np.uint8)
    return big_endian.view(np.uint8).reshape(-1, header.row_bytes)[1:]
