"""What each kind of picture and label file means."""

import io
import json
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from segwright.errors import ConfigError, DataError
from segwright.images import decode, read_image, read_label

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
IDS = (np.arange(35).reshape(5, 7) % 4).astype(np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png(bits: int, colour_type: int, width: int, height: int, rows: bytes) -> bytes:
    """A PNG written by hand, for the kinds that Pillow does not write. ``rows`` hold their filter bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff16(values: np.ndarray, orientation: int) -> bytes:
    """An uncompressed TIFF of (H, W, 3) uint16, written by hand because Pillow writes no 16-bit colour."""
    height, width, channels = values.shape
    pixels = 8 + 2 + 11 * 12 + 4 + 2 * channels  # header, directory, and the bit depths behind it
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, channels, pixels - 2 * channels),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, pixels),
        (274, 3, 1, orientation),
        (277, 3, 1, channels),
        (278, 3, 1, height),
        (279, 4, 1, values.nbytes),
        (284, 3, 1, 1),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return (
        b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<HHH", 16, 16, 16) + values.astype("<u2").tobytes()
    )


@pytest.fixture
def notices(caplog, monkeypatch):
    monkeypatch.setattr(decode, "_said", set())
    return caplog


@pytest.mark.parametrize("suffix", [".jpg", ".PNG", ".txt", ""])
def test_r3_decoded_by_content_not_by_suffix(tmp_path, suffix):
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(encoded(RGB))
    np.testing.assert_array_equal(read_image(path), RGB)
    np.testing.assert_array_equal(read_image(str(path)), RGB)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
def test_lossless_formats_come_back_exactly(kind):
    image = np.repeat(IDS[:, :, None] * 60, 3, axis=2)
    np.testing.assert_array_equal(
        read_image(encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))), image
    )


def test_result_is_ours_to_change():
    image = read_image(encoded(RGB))
    image[0, 0] = 0
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


def test_r4_gray_is_replicated_with_one_notice(notices):
    for _ in range(3):
        np.testing.assert_array_equal(read_image(encoded(IDS)), np.repeat(IDS[:, :, None], 3, axis=2))
    assert len(notices.records) == 1
    assert "is gray" in notices.text


@pytest.mark.parametrize("bit_depth", [10, 12, 16])
@pytest.mark.parametrize("kind", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
def test_r5_deep_pictures_are_scaled_exactly(bit_depth, kind, channels):
    top = 2**bit_depth - 1
    stored = np.random.default_rng(1).integers(0, top + 1, (6, 9, channels)).astype(np.uint16)
    stored[0, 0] = top
    content = cv2.imencode(kind, stored[:, :, ::-1])[1].tobytes()
    expected = np.broadcast_to(np.floor(stored.astype(np.float64) * 255 / top + 0.5), (6, 9, 3))
    np.testing.assert_array_equal(read_image(content, bit_depth=bit_depth), expected.astype(np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_r5_deep_picture_without_declared_depth_is_refused_with_the_choice(channels):
    stored = np.full((2, 2, channels), 4080, np.uint16)
    with pytest.raises(DataError, match=r"largest value 4080.*declare bit_depth"):
        read_image(cv2.imencode(".png", stored)[1].tobytes())


def test_r5_value_above_the_declared_depth_is_refused():
    with pytest.raises(DataError, match=r"value 4080.*bit_depth 10 ends at 1023"):
        read_image(cv2.imencode(".png", np.full((2, 2), 4080, np.uint16))[1].tobytes(), bit_depth=10)


def test_r5_bit_depth_leaves_8_bit_files_alone_and_is_checked():
    np.testing.assert_array_equal(read_image(encoded(RGB), bit_depth=12), RGB)
    with pytest.raises(ConfigError, match="9 to 16, got 8"):
        read_image(encoded(RGB), bit_depth=8)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_r5_fractions_and_32_bit_integers_are_refused(mode):
    content = encoded(Image.new(mode, (3, 2), 7), "TIFF")
    with pytest.raises(DataError, match="32-bit"):
        read_image(content, bit_depth=16)


def test_r6_alpha_is_dropped_with_a_notice_or_composited(notices):
    opacity = np.array([[0, 128, 255]], np.uint8)
    colour = np.full((1, 3, 3), (200, 100, 50), np.uint8)
    content = encoded(np.dstack([colour, opacity]))
    np.testing.assert_array_equal(read_image(content), colour)
    assert "transparency" in notices.text
    composited = read_image(content, alpha=(0, 10, 255))
    assert composited[0].tolist() == [[0, 10, 255], [100, 55, 152], [200, 100, 50]]


def test_r6_gray_alpha_and_transparent_palette():
    gray_alpha = np.dstack([IDS * 50, np.zeros_like(IDS)])
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(gray_alpha)))[:, :, 0], IDS * 50)
    palette = Image.fromarray(IDS)
    palette = palette.convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 5, 5, 5])
    for transparency in (2, bytes([0, 255, 100])):
        image = read_image(encoded(palette, transparency=transparency))
        assert image[0, 2].tolist() == [70, 80, 90]


def test_r6_16_bit_alpha():
    stored = np.zeros((1, 2, 4), np.uint16)
    stored[0, 0] = (3 * 257, 2 * 257, 1 * 257, 0)  # BGRA
    stored[0, 1] = (3 * 257, 2 * 257, 1 * 257, 65535)
    content = cv2.imencode(".png", stored)[1].tobytes()
    assert read_image(content, bit_depth=16)[0].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert read_image(content, bit_depth=16, alpha=(9, 9, 9))[0].tolist() == [[9, 9, 9], [1, 2, 3]]


def test_r7_palette_picture_gives_colours_and_palette_label_gives_indices():
    palette = Image.fromarray(IDS).convert("P")
    colours = [(128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128)]
    palette.putpalette([value for colour in colours for value in colour])
    content = encoded(palette)
    np.testing.assert_array_equal(read_image(content), np.array(colours, np.uint8)[IDS])
    np.testing.assert_array_equal(read_label(content), IDS)


def test_r8_coloured_label_is_refused_and_gray_rgb_accepted_with_notice(notices):
    with pytest.raises(DataError, match=r"colours, not of class ids \(colours like \(.*replace each colour"):
        read_label(encoded(RGB))
    np.testing.assert_array_equal(read_label(encoded(np.repeat(IDS[:, :, None], 3, axis=2))), IDS)
    assert "gray RGB" in notices.text


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_r9_orientation_is_applied_to_pictures_and_labels_alike(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    image = np.repeat(IDS[:, :, None] * 3, 3, axis=2)
    content = encoded(image, kind, exif=exif.tobytes(), **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))
    assert expected.shape[:2] == ((5, 7) if orientation < 5 else (7, 5))
    np.testing.assert_array_equal(read_image(content), expected)
    np.testing.assert_array_equal(read_label(content), expected[:, :, 0])


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_r9_impossible_orientation_counts_as_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(read_image(encoded(RGB, exif=exif.tobytes())), RGB)


def test_r9_broken_exif_harms_no_pixel():
    np.testing.assert_array_equal(read_image(encoded(RGB, exif=b"Exif\0\0nonsense")), RGB)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_r9_orientation_of_16_bit_colour(orientation):
    """Pillow sees half of such values and OpenCV all: both must turn them the same way."""
    stored = np.random.default_rng(2).integers(0, 65536, (4, 6, 3)).astype(np.uint16)
    rotated = Image.fromarray((stored >> 8).astype(np.uint8))
    rotated.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(rotated))
    image = read_image(tiff16(stored, orientation), bit_depth=16)
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).max() <= 1  # rounding against cutting off


def test_r10_cmyk_follows_the_plain_rule():
    cmyk = np.random.default_rng(3).integers(0, 256, (4, 4, 4), dtype=np.uint8)
    image = read_image(encoded(Image.fromarray(cmyk, "CMYK"), "TIFF")).astype(float)
    inks = 1 - cmyk.astype(float) / 255
    np.testing.assert_allclose(image, 255 * inks[:, :, :3] * inks[:, :, 3:], atol=1)


def test_r10_icc_profile_changes_nothing():
    plain = encoded(RGB, "JPEG", quality=90)
    tagged = encoded(RGB, "JPEG", quality=90, icc_profile=b"made up profile" * 20)
    np.testing.assert_array_equal(read_image(plain), read_image(tagged))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_r11_labels_of_few_bits_give_their_numbers(bits):
    ids = np.arange(8, dtype=np.uint8).reshape(1, 8) % 2**bits
    packed = np.packbits(((ids[..., None] >> np.arange(bits - 1, -1, -1)) & 1).reshape(-1))
    np.testing.assert_array_equal(read_label(png(bits, 0, 8, 1, b"\0" + packed.tobytes())), ids)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_r11_1_bit_label_is_0_and_1(kind):
    mask = IDS > 1
    label = read_label(encoded(Image.fromarray(mask), kind))
    assert label.dtype == np.uint8
    np.testing.assert_array_equal(label, mask.astype(np.uint8))


def test_r13_16_bit_ids_are_kept_and_negative_ones_not_wrapped():
    ids = np.array([[0, 7, 300], [65535, 256, 1]])
    label = read_label(encoded(ids.astype(np.uint16)))
    assert label.dtype == np.int32
    np.testing.assert_array_equal(label, ids)
    assert read_label(encoded(IDS.astype(np.uint16))).dtype == np.uint8
    np.testing.assert_array_equal(read_label(encoded(np.array([[-1, 3]], np.int32), "TIFF")), [[-1, 3]])


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_label_is_refused(kind):
    with pytest.raises(DataError, match=r"compressed with loss .*save label maps as PNG"):
        read_label(encoded(IDS, kind))
    with pytest.raises(DataError, match="compressed with loss"):
        read_label(encoded(IDS, "TIFF", compression="jpeg"))


def test_16_bit_colours_and_fractions_are_no_label():
    for content in (
        cv2.imencode(".png", np.zeros((2, 2, 3), np.uint16))[1].tobytes(),
        encoded(Image.new("F", (2, 2)), "TIFF"),
    ):
        with pytest.raises(DataError, match="not ids"):
            read_label(content)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_animation_gives_its_first_frame_with_notice(kind, notices):
    frames = [Image.fromarray(np.full((4, 4, 3), 80 * i, np.uint8)) for i in (1, 2, 3)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert (read_image(content) == 80).all()
    assert "several pictures" in notices.text


def test_r21_smallest_and_very_wide_pictures():
    assert read_image(encoded(RGB[:1, :1])).shape == (1, 1, 3)
    assert read_image(encoded(np.zeros((3, 5000, 3), np.uint8))).shape == (3, 5000, 3)


def test_every_awkward_file_reads_as_expected(shared: Path):
    folder = shared / "data" / "awkward"
    files = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["files"]
    assert len(files) == 37
    reference = read_image(folder / "upright_reference.png").astype(float)
    for name, facts in files.items():
        if not facts["readable"]:
            with pytest.raises(DataError, match=name):
                read_image(folder / name)
            continue
        image = read_image(folder / name, bit_depth=facts["bits"] if facts["bits"] > 8 else None)
        assert image.shape == (facts["height"], facts["width"], 3), name
        np.testing.assert_allclose(image.mean((0, 1)), facts["mean_rgb"], atol=0.5, err_msg=name)
        if "same_view_as" in facts:
            assert np.abs(image - reference).mean() < 5, name  # JPEG's loss; any wrong turn gives over 40
