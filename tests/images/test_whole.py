"""Files proven whole before their pixels are decoded, and the fast decoders that this allows."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from segwright.images import pixels, read_image, read_label
from segwright.images.whole import GRAY, bare_png, is_whole_jpeg, png_chunks


def noise(height: int = 33, width: int = 50) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def exif_with_thumbnail() -> bytes:
    """EXIF data that holds a whole JPEG of its own, as cameras write it."""
    exif = Image.Exif()
    exif[0x0112] = 1
    return exif.tobytes() + encoded(noise(8, 8), "JPEG")


JPEGS = {
    "baseline": encoded(noise(), "JPEG"),
    "progressive": encoded(noise(), "JPEG", progressive=True),
    "restarts": encoded(noise(), "JPEG", restart_marker_blocks=2),
    "gray": encoded(noise().convert("L"), "JPEG"),
    "thumbnail": encoded(noise(), "JPEG", exif=exif_with_thumbnail()),
}
PNGS = {
    "colour": encoded(noise(), "PNG"),
    "alpha": encoded(noise().convert("RGBA"), "PNG"),
    "gray": encoded(noise().convert("L"), "PNG"),
    "commented": encoded(noise(), "PNG", icc_profile=b"made up" * 9, dpi=(72, 72)),
    "wide": encoded(noise(300, 400), "PNG"),  # several chunks of pixels
}


@pytest.fixture(params=["rust", "opencv"])
def _decoder(request, monkeypatch):
    """Each decoder of PNG by itself."""
    if request.param == "opencv":
        monkeypatch.setattr(pixels, "rust_codecs", None)
    else:
        pytest.importorskip("kornia_rs", reason="the extra fast is not installed")
        monkeypatch.setattr(pixels.cv2, "imdecode", decode_no_png(pixels.cv2.imdecode))


def decode_no_png(decode):
    def checked(content, flags):
        assert content.tobytes()[1:4] != b"PNG" or content[24] != 8, "OpenCV decodes, which is slower"
        return decode(content, flags)

    return checked


@pytest.mark.parametrize("name", JPEGS)
def test_r1_no_part_of_a_jpeg_passes_for_the_whole(name):
    content = JPEGS[name]
    assert is_whole_jpeg(content)
    assert is_whole_jpeg(content + b"what some cameras append")
    assert not any(is_whole_jpeg(content[:length]) for length in range(len(content)))


@given(name=st.sampled_from(sorted(JPEGS)), share=st.floats(0, 1, exclude_max=True))
@settings(deadline=None)
def test_r1_jpeg_with_zeros_for_its_tail_does_not_pass(name, share):
    content = JPEGS[name]
    kept = int(len(content) * share)
    assert not is_whole_jpeg(content[:kept] + bytes(len(content) - kept))


@given(name=st.sampled_from(sorted(PNGS)), data=st.data())
@settings(deadline=None)
def test_r2_every_flipped_bit_of_a_png_is_found(name, data):
    content = bytearray(PNGS[name])
    content[data.draw(st.integers(8, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ValueError, match=r"check sum of its chunk|ends before its last chunk"):
        png_chunks(bytes(content))


@given(name=st.sampled_from(sorted(PNGS)), share=st.floats(0, 1, exclude_max=True))
@settings(deadline=None)
def test_r2_no_part_of_a_png_passes_for_the_whole(name, share):
    content = PNGS[name]
    with pytest.raises(ValueError, match="ends before its last chunk"):
        png_chunks(content[: int(len(content) * share)])


@pytest.mark.parametrize("name", PNGS)
def test_bare_png_has_the_same_pixels_and_nothing_else(name):
    bare = bare_png(PNGS[name], png_chunks(PNGS[name]))
    assert {chunk.kind for chunk in png_chunks(bare)} == {b"IHDR", b"IDAT", b"IEND"}
    np.testing.assert_array_equal(Image.open(io.BytesIO(bare)), Image.open(io.BytesIO(PNGS[name])))


def test_bare_png_shows_the_numbers_of_a_palette():
    palette = noise().quantize(200)
    content = encoded(palette, "PNG", transparency=0)
    bare = bare_png(content, png_chunks(content), GRAY)
    np.testing.assert_array_equal(Image.open(io.BytesIO(bare)), palette)


@pytest.mark.usefixtures("_decoder")
@pytest.mark.parametrize("content", [*JPEGS.values(), *PNGS.values()], ids=[*JPEGS, *PNGS])
def test_whole_files_are_read_as_pillow_reads_them_but_without_it(content, monkeypatch):
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("Pillow decodes, which is slow"))
    np.testing.assert_array_equal(read_image(content), expected)


@pytest.mark.usefixtures("_decoder")
@pytest.mark.parametrize("colours", [2, 4, 16, 200])
def test_r7_palette_numbers_are_read_without_pillow(colours, monkeypatch):
    palette = noise().quantize(colours)
    content = encoded(palette, "PNG")  # in 1, 2, 4 or 8 bits
    expected = np.array(palette)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("Pillow decodes, which is slow"))
    np.testing.assert_array_equal(read_label(content), expected)


def test_r9_orientation_behind_the_pixels_counts():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(noise(), "PNG", exif=exif.tobytes())
    block = next(chunk for chunk in png_chunks(content) if chunk.kind == b"eXIf")
    part = content[block.start - 8 : block.end + 4]
    late = content.replace(part, b"")[:-12] + part + content[-12:]
    np.testing.assert_array_equal(read_image(late), read_image(content))
    assert read_image(late).shape == (50, 33, 3)


def test_png_that_the_fast_decoder_refuses_is_left_to_opencv(monkeypatch):
    class Refusing:
        @staticmethod
        def decode_image_png_u8(*_):
            raise Exception("not today")  # as it does

    monkeypatch.setattr(pixels, "rust_codecs", Refusing)
    np.testing.assert_array_equal(read_image(PNGS["colour"]), noise())
