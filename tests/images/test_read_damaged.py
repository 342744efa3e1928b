"""Files that are not what they should be: a DataError that names them, or the exact picture, nothing else."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segwright.errors import DataError
from segwright.images import read_image, read_label


def smooth_picture() -> np.ndarray:
    y, x = np.mgrid[0:37, 0:53]
    noise = np.random.default_rng(0).integers(0, 30, (37, 53, 3))
    return (np.dstack([4 * x, 5 * y, 2 * (x + y)]) + noise).clip(0, 255).astype(np.uint8)


def content_of(kind: str, mode: str = "RGB", **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(smooth_picture()).convert(mode).save(stream, kind, **options)
    return stream.getvalue()


FILES = {
    "baseline.jpg": content_of("JPEG"),
    "progressive.jpg": content_of("JPEG", progressive=True),
    "gray.jpg": content_of("JPEG", "L"),
    "colour.png": content_of("PNG"),
    "palette.png": content_of("PNG", "P"),
    "plain.bmp": content_of("BMP"),
    "lossy.webp": content_of("WEBP"),
    "lossless.webp": content_of("WEBP", lossless=True),
    "raw.tif": content_of("TIFF"),
    "lzw.tif": content_of("TIFF", compression="tiff_lzw"),
    "deflate.tif": content_of("TIFF", compression="tiff_adobe_deflate"),
    "palette.gif": content_of("GIF", "P"),
}
WHOLE = {name: read_image(content) for name, content in FILES.items()}
names = st.sampled_from(sorted(FILES))
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what Pillow thinks of broken files


@given(name=names, share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=300, deadline=None)
def test_r1_r2_cut_file_is_refused_or_exact(name, share):
    content = FILES[name][: int(len(FILES[name]) * share)]
    try:
        image = read_image(content)
    except DataError:
        return
    np.testing.assert_array_equal(image, WHOLE[name])


@given(name=names, missing=st.integers(1, 24))
@settings(max_examples=200, deadline=None)
def test_r1_r2_file_that_lacks_its_last_bytes_is_refused_or_exact(name, missing):
    try:
        image = read_image(FILES[name][:-missing])
    except DataError:
        return
    np.testing.assert_array_equal(image, WHOLE[name])


@given(name=names, data=st.data())
@settings(max_examples=300, deadline=None)
def test_r2_changed_bytes_raise_nothing_but_data_errors(name, data):
    content = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    for read in (read_image, read_label):
        try:
            array = read(bytes(content), max_pixels=1_000_000)
        except DataError:
            continue
        assert array.size > 0


@given(place=st.integers(0, len(FILES["colour.png"]) - 1), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_r2_png_with_a_flipped_bit_is_refused_or_exact(place, bit):
    content = bytearray(FILES["colour.png"])
    content[place] ^= 1 << bit
    try:
        image = read_image(bytes(content), max_pixels=1_000_000)
    except DataError:
        return
    np.testing.assert_array_equal(image, WHOLE["colour.png"])


def test_r2_png_damage_after_the_last_row_was_decoded_is_found():
    """Pillow alone returns wrong pixels here: it stops before zlib's check sum and compares none of PNG's."""
    rows, columns = np.mgrid[0:300, 0:400]
    image = np.dstack([columns % 256, rows % 256, (rows + columns) % 256]).astype(np.uint8)
    image[100:200] += np.random.default_rng(0).integers(0, 99, (100, 400, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    content = bytearray(stream.getvalue())
    content[len(content) - 20 - 200] ^= 4  # 20: zlib's sum, chunk's sum, IEND
    with pytest.raises(DataError, match="damaged"):
        read_image(bytes(content))


@given(st.binary(max_size=200))
def test_r2_any_bytes_raise_nothing_but_data_errors(content):
    with pytest.raises(DataError):
        read_image(content, max_pixels=1_000_000)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty"),
        (b"This is not a picture.", "is not a picture in any format read here"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (FILES["baseline.jpg"][:12], "damaged or cut short"),
        (FILES["baseline.jpg"][:900], "damaged or cut short"),
        (FILES["colour.png"][:900], "damaged or cut short"),
    ],
)
@pytest.mark.parametrize("read", [read_image, read_label])
def test_r1_r2_cause_and_file_are_named(tmp_path, content, cause, read):
    path = tmp_path / "some picture.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"some picture\.jpg") as error:
        read(path)
    assert cause in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.png does not exist"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(DataError, match="cannot be read"):
        read_image(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        read_image("a\0b.png")


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises more than its few bytes of pixels hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(10000, 10000), (30000, 30000), (40000, 40000)])
@pytest.mark.parametrize("read", [read_image, read_label])
def test_r22_pixel_bomb_is_refused_by_its_header(size, read):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=rf"{size[0]}x{size[1]} pixels, which need .* GiB.*raise max_pixels"):
            read(bomb(*size))


def test_r22_limit_is_a_parameter():
    image = smooth_picture()
    assert read_image(FILES["colour.png"], max_pixels=image.shape[0] * image.shape[1]).shape == image.shape
    with pytest.raises(DataError, match="53x37 pixels"):
        read_image(FILES["colour.png"], max_pixels=image.shape[0] * image.shape[1] - 1)


def test_r22_limit_above_pillows_own_is_honoured_without_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="damaged or cut short"):  # got past the limit, found no pixels
            read_image(bomb(20000, 10000), max_pixels=200_000_000)
