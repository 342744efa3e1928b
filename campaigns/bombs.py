"""Small files that claim to be huge pictures, or that are none."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

Size = tuple[int, int]  # width and height, in pixels


def png(width: int, height: int, *chunks: bytes, pixels: bytes = b"") -> bytes:
    """An RGB picture with further chunks before its pixels, as many of which are there as may be."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [_chunk(b"IHDR", header), *chunks, _chunk(b"IDAT", zlib.compress(pixels, 9)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def small_png(*chunks: bytes) -> bytes:
    """A whole picture of 8x8 with further chunks."""
    return png(8, 8, *chunks, pixels=bytes(8 * 25))


def text_chunk(kind: bytes, size: int) -> bytes:
    """A compressed comment or colour profile that unpacks to as many bytes."""
    head = {b"zTXt": b"x\0\0", b"iCCP": b"x\0\0", b"iTXt": b"x\0\1\0\0\0"}[kind]
    return _chunk(kind, head + zlib.compress(bytes(size), 9))


def gif(width: int, height: int) -> bytes:
    """A GIF of some bytes."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3 + frame


def bmp(width: int, height: int) -> bytes:
    """A BMP's headers."""
    return b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def tiff(width: int, height: int, compression: int = 1) -> bytes:
    """A gray TIFF of one strip, of which some bytes are there."""
    tags = {256: width, 257: height, 258: 8, 259: compression, 262: 1, 273: 200, 277: 1, 278: height, 279: 10}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(200)


def webp(width: int, height: int) -> bytes:
    """A WebP whose header claims a size."""
    content = bytearray(_saved("WEBP", lossless=True))
    place = content.find(b"VP8L") + 9
    struct.pack_into("<I", content, place, (width - 1) | (height - 1) << 14)
    return bytes(content)


def many_scans(count: int, size: Size = (512, 512)) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each takes as long as a picture, and 31 bytes."""
    content = _saved("JPEG", size, progressive=True)
    scan = content[content.rfind(b"\xff\xda") : -2]
    return content[:-2] + scan * count + b"\xff\xd9"


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 60000x60000": lambda: png(60_000, 60_000),
    "PNG of 2^31": lambda: png(2**31 - 1, 2**31 - 1),
    "PNG of 0x0": lambda: png(0, 0),
    "PNG without its pixels": lambda: png(5000, 5000, pixels=bytes(100)),
    "PNG with a profile of 200 MB": lambda: small_png(text_chunk(b"iCCP", 200_000_000)),
    "PNG with a comment of 200 MB": lambda: small_png(text_chunk(b"zTXt", 200_000_000)),
    "PNG with an international comment of 200 MB": lambda: small_png(text_chunk(b"iTXt", 200_000_000)),
    "PNG with 100 comments of 1 MB": lambda: small_png(*[text_chunk(b"zTXt", 1_000_000)] * 100),
    "GIF of 65535x65535": lambda: gif(65_535, 65_535),
    "GIF without its pixels": lambda: gif(5000, 5000),
    "BMP of 100000x100000": lambda: bmp(100_000, 100_000),
    "BMP of -5x5": lambda: bmp(-5, 5),
    "TIFF of 200000x200000": lambda: tiff(200_000, 200_000),
    "TIFF without its pixels": lambda: tiff(5000, 5000),
    "TIFF with broken deflate": lambda: tiff(5000, 5000, 8),
    "TIFF with broken LZMA": lambda: tiff(5000, 5000, 34_925),
    "WebP of 16383x16383": lambda: webp(16_383, 16_383),
    "JPEG of 1000 scans": lambda: many_scans(1000),
    "JPEG cut in half": lambda: _saved("JPEG", (200, 200))[:400],
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="99999" height="99999"/>',
    "HEIC": lambda: b"\0\0\0\x18ftypheic" + bytes(100),
    "web page": lambda: b"<!doctype html><html></html>",
    "zeros": lambda: bytes(10_000),
}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _saved(kind: str, size: Size = (8, 8), **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), 99, np.uint8)).save(file, kind, **options)
    return file.getvalue()
