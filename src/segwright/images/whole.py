"""Whether a JPEG or PNG file is all there, told by its structure before a pixel is decoded. Standard library only."""

import re
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)  # neither a stuffed byte of a scan nor its restart
JPEG_END = 0xD9

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOUR_TYPE = 9  # offset in the header's data
GRAY = 0  # colour type of a PNG


def is_whole_jpeg(content: bytes) -> bool:
    """Whether the markers of a JPEG lead from segment to segment to its end (ITU-T T.81, B.1).

    The marker of the end may also stand in a thumbnail, hence this walk. A file that is cut has none at the end of it.
    """
    position = 2  # behind the marker of the start
    while marker := JPEG_MARKER.search(content, position):
        if content[marker.end() - 1] == JPEG_END:
            return True
        position = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return False


class PngChunk(NamedTuple):
    """A part of a PNG file: ``content[start:end]`` is its data, between length and kind and a check sum of 4 bytes."""

    kind: bytes
    start: int
    end: int


def png_chunks(content: bytes) -> list[PngChunk]:
    """All chunks of a PNG up to its end, their check sums compared.

    Raises:
        ValueError: the file is cut, or its bytes have changed since it was written.
    """
    chunks: list[PngChunk] = []
    view = memoryview(content)
    position = len(PNG_SIGNATURE)
    while not chunks or chunks[-1].kind != b"IEND":
        try:
            length, kind = struct.unpack_from(">I4s", content, position)
            chunk = PngChunk(kind, position + 8, position + 8 + length)
            (check_sum,) = struct.unpack_from(">I", content, chunk.end)
        except struct.error:
            raise ValueError(f"it ends before its last chunk, after {len(content)} bytes") from None
        if zlib.crc32(view[position + 4 : chunk.end]) != check_sum:
            raise ValueError(f"the check sum of its chunk {kind!r} is wrong")
        chunks.append(chunk)
        position = chunk.end + 4
    return chunks


def bare_png(content: bytes, chunks: Sequence[PngChunk], colour_type: int | None = None) -> bytes:
    """The same pixels without anything around them: no colour spaces, comments, palette or transparency.

    Args:
        content: a PNG.
        chunks: its chunks.
        colour_type: how to take the stored numbers, if other than the header says: those of a palette as ``GRAY``.
    """
    header = bytearray(content[chunks[0].start : chunks[0].end])
    if colour_type is not None:
        header[PNG_COLOUR_TYPE] = colour_type
    if {chunk.kind for chunk in chunks} == {b"IHDR", b"IDAT", b"IEND"} and content.startswith(header, chunks[0].start):
        return content
    pixels = [content[chunk.start - 8 : chunk.end + 4] for chunk in chunks if chunk.kind == b"IDAT"]
    return b"".join([PNG_SIGNATURE, png_chunk(b"IHDR", bytes(header)), *pixels, png_chunk(b"IEND", b"")])


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG: its length, kind, data and check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
