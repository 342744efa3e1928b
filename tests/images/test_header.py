"""What a picture file says of itself, told without decoding it."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from segwright.errors import DataError
from segwright.images.decode import decode, read_header

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def encoded(kind: str, mode: str = "RGB", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(RGB).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = orientation
    return block


FILES = {
    "jpeg": encoded("JPEG"),
    "turned": encoded("JPEG", exif=exif(6)),
    "cmyk": encoded("JPEG", "CMYK"),
    "gray": encoded("PNG", "L"),
    "deep": cv2.imencode(".png", RGB.astype(np.uint16) << 8)[1].tobytes(),
    "webp": encoded("WEBP", quality=50),
    "lossless": encoded("WEBP", lossless=True),
    "tiff": encoded("TIFF"),
    "bmp": encoded("BMP"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_header_says_what_decoding_finds(name):
    header, picture = read_header(FILES[name]), decode(FILES[name])
    assert (header.bits, header.orientation, header.lossy) == (picture.bits, picture.orientation, picture.lossy)
    assert header.size == (5, 7)


def test_kind_and_mode_are_those_of_the_content():
    found = {name: read_header(content)[:2] for name, content in FILES.items()}
    assert found["cmyk"] == ("JPEG", "CMYK")
    assert found["gray"] == ("PNG", "L")
    assert found["webp"] == ("WebP", "RGB")


def test_a_file_that_is_cut_still_has_its_header():
    assert read_header(FILES["jpeg"][:-10]).size == (5, 7)
    with pytest.raises(DataError, match="is empty"):
        read_header(b"")
