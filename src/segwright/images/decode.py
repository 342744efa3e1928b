"""From the bytes of a picture file to its stored values, strictly: a damaged file is an error, never half a picture.

Pillow reads every header. It decodes too, because it reports truncated files where OpenCV returns them partly grey.
Only a JPEG or PNG that is surely whole is decoded by faster means (``pixels``). So is 16-bit colour, of which Pillow
keeps just the upper 8 bits.
"""

import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from segwright.errors import DataError
from segwright.images.pixels import stored_pixels
from segwright.images.whole import GRAY, bare_png, is_whole_jpeg, png_chunks
from segwright.types import Size

Source = str | os.PathLike[str] | bytes
"""A file, or the content of one."""

MAX_PIXELS = 89_478_485  # 256 MiB as 8-bit RGB; the limit that Pillow warns at
ORIENTATION = 0x0112  # tag number in EXIF and TIFF
BITS_PER_SAMPLE = 258  # tag number in TIFF

# Pillow's decoders by the first bytes of a file. Image.open is not used: it tries some forty formats, and its
# own pixel limit is a global that cannot be raised for one call.
DECODERS: tuple[tuple[bytes, str, Callable[..., Image.Image]], ...] = (
    (b"\xff\xd8\xff", "JPEG", JpegImagePlugin.jpeg_factory),
    (b"\x89PNG\r\n\x1a\n", "PNG", PngImagePlugin.PngImageFile),
    (b"BM", "BMP", BmpImagePlugin.BmpImageFile),
    (b"GIF87a", "GIF", GifImagePlugin.GifImageFile),
    (b"GIF89a", "GIF", GifImagePlugin.GifImageFile),
    (b"II*\x00", "TIFF", TiffImagePlugin.TiffImageFile),
    (b"MM\x00*", "TIFF", TiffImagePlugin.TiffImageFile),
    (b"II+\x00", "TIFF", TiffImagePlugin.TiffImageFile),
    (b"MM\x00+", "TIFF", TiffImagePlugin.TiffImageFile),
    (b"RIFF", "WebP", WebPImagePlugin.WebPImageFile),
)

ADVICE = "fetch it again or take it out of the list"

logger = logging.getLogger("segwright.images")
_said: set[str] = set()


class Decoded(NamedTuple):
    """Everything that a picture file stores.

    Attributes:
        image: what Pillow opened. Its values are there only if ``values`` is None; they are not yet turned upright,
            unless the format is TIFF, which Pillow turns.
        values: stored values as uint8, or as uint16 if they have 9 to 16 bits: gray or ids (H, W), RGB (H, W, 3) or
            RGBA (H, W, 4). None where only Pillow knows what they mean: signed ones, palettes, other colour spaces.
        bits: bits per stored value.
        orientation: how a viewer has to turn the picture, 1..8 as in EXIF; 1 is upright.
        lossy: the compression changes values.
        name: the file, for messages.
    """

    image: Image.Image
    values: np.ndarray | None
    bits: int
    orientation: int
    lossy: bool
    name: str


def notice(name: str, what: str) -> None:
    """Log that the file ``name`` is of some kind, once for each kind however many files are of it."""
    if what not in _said:
        _said.add(what)
        logger.warning("%s %s (said once)", name, what)


def decode(source: Source, max_pixels: int = MAX_PIXELS, *, ids: bool = False) -> Decoded:
    """Decode a file by what it contains, whatever its suffix says. Of an animation the first frame.

    Args:
        source: a file, or its content as bytes.
        max_pixels: larger pictures are refused before they are decoded.
        ids: the stored numbers are wanted, not the brightness or colour that they stand for.

    Raises:
        DataError: the file is missing, empty, damaged, cut short, not a picture, or has more than ``max_pixels``.
    """
    with opened(source) as file:
        _check_size(file.image, file.name, max_pixels)
        return _load(file, ids)


class Header(NamedTuple):
    """What the first bytes of a picture file say.

    Attributes:
        kind: its format, whatever its suffix says: ``JPEG``, ``PNG`` ...
        mode: of its pixels, as Pillow calls it: ``RGB``, ``L``, ``P``, ``CMYK`` ...
        size: as stored, not turned upright.
        bits: bits per stored value.
        orientation: how a viewer has to turn the picture, 1..8 as in EXIF; 1 is upright.
        lossy: the compression changes values.
    """

    kind: str
    mode: str
    size: Size
    bits: int
    orientation: int
    lossy: bool


def read_header(source: Source) -> Header:
    """What a file says it is, without decoding a pixel; the rest of it may still be damaged.

    Raises:
        DataError: the file is missing, empty or not a picture.
    """
    with opened(source) as file:
        bits, lossy = _bits_and_loss(file)
        width, height = file.image.size
        orientation = _orientation(file)
        return Header(file.kind, file.image.mode, Size(height, width), bits, orientation, lossy)


class Opened(NamedTuple):
    """A picture file of which only the header was read.

    Attributes:
        stream: the file.
        head: its first bytes.
        kind: its format, as ``DECODERS`` names it.
        image: what Pillow made of the header; pixels are not decoded.
        name: the file, for messages.
    """

    stream: BinaryIO
    head: bytes
    kind: str
    image: Image.Image
    name: str


@contextmanager
def opened(source: Source) -> Iterator[Opened]:
    """A picture file, its header read; what goes wrong in the block counts as damage to the file.

    Raises:
        DataError: the file is missing, empty, damaged, cut short, or not a picture.
    """
    name = "picture from memory" if isinstance(source, bytes) else os.fspath(source)
    try:
        stream = io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")  # noqa: SIM115
    except FileNotFoundError:
        raise DataError(f"{name} does not exist") from None
    except (OSError, ValueError) as error:  # a folder, no permission, a name the system cannot hold
        raise DataError(f"{name} cannot be read: {error}") from error
    with stream:
        head = stream.read(64)
        kind, decoder = _identify(head, name)
        with explained(name, kind):
            stream.seek(0)
            yield Opened(stream, head, kind, decoder(stream, name), name)


@contextmanager
def explained(name: str, kind: str) -> Iterator[None]:
    """Name the file in whatever a decoder raises.

    Raises:
        DataError: it raised something.
    """
    try:
        yield
    except DataError:
        raise
    except Image.DecompressionBombError as error:  # WebP and GIF ask Pillow's own limit as well
        raise DataError(f"{name} ({kind}) has too many pixels: {error}; cut it into tiles") from error
    except Exception as error:  # decoders raise whatever the damaged bytes lead them to
        raise DataError(f"{name} ({kind}) is damaged or cut short: {error}; {ADVICE}") from error


def _identify(head: bytes, name: str) -> tuple[str, Callable[..., Image.Image]]:
    if not head:
        raise DataError(f"{name} is empty (0 bytes); {ADVICE}")
    for signature, kind, decoder in DECODERS:
        if head.startswith(signature) and (kind != "WebP" or head[8:12] == b"WEBP"):
            return kind, decoder
    what = "is not a picture in any format read here"
    if head[4:8] == b"ftyp":
        what = "is a HEIC, AVIF or video file, which is not read here"
    elif head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        what = "is a web page, not a picture; a download may have failed"
    elif head.lstrip().startswith((b"<svg", b"<?xml")):
        what = "is SVG or another XML file, not a picture of pixels"
    raise DataError(f"{name} {what} (it starts with {head[:12]!r}); want JPEG, PNG, BMP, WebP, TIFF or GIF")


def _check_size(image: Image.Image, name: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise DataError(
            f"{name} says it has {width}x{height} pixels, which need {width * height * 3 / 2**30:.1f} GiB as 8-bit RGB "
            f"and four times that as float; the limit is {max_pixels} pixels. If you trust the file, raise max_pixels "
            f"(predict's --max_megapixels), or cut it into tiles"
        )


def _load(file: Opened, ids: bool) -> Decoded:
    stream, _, kind, image, name = file
    bits, lossy = _bits_and_loss(file)
    animated = getattr(image, "is_animated", False)
    if animated:
        notice(name, "holds several pictures: the first is used")
        image.seek(0)
    values = None
    if kind == "JPEG" and not animated:
        values = _jpeg_values(_content(stream), image)
    elif kind == "PNG":
        values = _png_values(_content(stream), image, bits, ids)
    if values is None:
        image.load()  # also finds a PNG's EXIF when it stands after the pixels
        values = _deep_values(stream, image, kind, bits) if 8 < bits <= 16 else None
    return Decoded(image, values, bits, _orientation(file), lossy, name)


def _bits_and_loss(file: Opened) -> tuple[int, bool]:
    """Bits per stored value, and whether the compression changes values."""
    if file.kind == "PNG":
        return file.head[24], False  # Pillow does not tell: 16-bit RGB opens as 8-bit
    if file.kind == "WebP":
        return 8, b"VP8L" not in file.head  # the chunk of lossless pixels, first or after a short header
    if isinstance(file.image, TiffImagePlugin.TiffImageFile):
        bits = max(file.image.tag_v2.get(BITS_PER_SAMPLE, (1,)))
        return bits, "jpeg" in str(file.image.info.get("compression"))
    return 8, file.kind == "JPEG"


def _orientation(file: Opened) -> int:
    """As ``Decoded.orientation``; Pillow applies and then forgets that of a TIFF, and so does OpenCV."""
    return 1 if file.kind == "TIFF" else exif_orientation(file.image.info.get("exif"))


def _content(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read()


def _jpeg_values(content: bytes, image: Image.Image) -> np.ndarray | None:
    """Values of a JPEG that is surely whole; None where Pillow has to say what is the matter, or knows the colours."""
    return stored_pixels(content, image, 8) if image.mode in ("L", "RGB") and is_whole_jpeg(content) else None


def _png_values(content: bytes, image: Image.Image, bits: int, ids: bool) -> np.ndarray | None:
    """Values of a PNG; None where Pillow has to decode it.

    Raises:
        ValueError: the file is cut short or damaged. Pillow would not always see it.
    """
    chunks = png_chunks(content)
    kinds = {chunk.kind for chunk in chunks}
    late_exif = b"eXIf" in kinds and "exif" not in image.info
    if late_exif or b"acTL" in kinds:  # the sign of an animation
        return None
    if not ids:
        plain = bits >= 8 and image.mode != "P" and "transparency" not in image.info
        return stored_pixels(bare_png(content, chunks), image, bits) if plain else None
    if image.mode in ("LA", "RGB", "RGBA"):
        return None
    values = stored_pixels(bare_png(content, chunks, GRAY), image, bits)
    return values if values is None or bits >= 8 else values // (255 // (2**bits - 1))  # OpenCV stretches to 0..255


def _deep_values(stream: BinaryIO, image: Image.Image, kind: str, bits: int) -> np.ndarray | None:
    """What Pillow, or OpenCV after it, makes of 9 to 16 bits per value: as ``Decoded.values``."""
    if image.mode.startswith("I;16") or (image.mode == "I" and kind == "PNG"):  # "I" until Pillow 11
        return np.asarray(image).astype(np.uint16)
    if image.mode not in ("RGB", "RGBA", "LA"):
        return None
    values = stored_pixels(_content(stream), image, bits)
    if values is None or values.dtype != np.uint16:
        raise ValueError("its 16-bit values cannot be decoded")
    return values


def exif_orientation(block: bytes | None) -> int:
    """How a viewer has to turn a picture with this EXIF block: 1..8, of which 1 is upright."""
    if not block:
        return 1
    try:
        exif = Image.Exif()
        exif.load(block)
        value = exif.get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block harms no pixel
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
