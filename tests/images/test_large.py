"""Pictures read and label maps written row by row: the same as all at once, or an error that says why not."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from segwright.errors import ConfigError, DataError, MissingExtraError
from segwright.images import default_palette, large, large_png, large_raster, read_image, read_label
from segwright.images.large import is_large, open_large
from segwright.images.large_write import label_rows
from segwright.types import Size

pytestmark = pytest.mark.filterwarnings("ignore:Dataset has no geotransform")

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows a piece, so that small pictures have many."""
    monkeypatch.setattr(large_png, "PIECE_PIXELS", 200)
    monkeypatch.setattr(large_raster, "PIECE_PIXELS", 200)


def read_in_pieces(path: Path, **options: int) -> np.ndarray:
    """The whole picture by ``open_large``."""
    with open_large(path, **options) as picture:
        pieces = list(picture.pieces)
    image = np.concatenate(pieces)
    assert Size.of(image) == picture.size
    return image


def picture(mode: str, size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Smooth colours, so that all of PNG's filters are chosen, and some noise."""
    width, height = size
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (4, 4, 4), np.uint8), "RGBA").resize(size)
    rgba = np.array(coarse) + rng.integers(0, 3, (height, width, 4), np.uint8)
    if mode == "I;16":
        return Image.fromarray(rgba[:, :, 0].astype(np.uint16) * 257)
    return (
        Image.fromarray(rgba, "RGBA").convert("RGB").convert(mode)
        if mode in "1P"
        else Image.fromarray(rgba).convert(mode)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mode=st.sampled_from(MODES),
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    colours=st.sampled_from((2, 3, 13, 256)),
    transparency=st.booleans(),
    seed=st.integers(0, 9),
)
def test_png_in_pieces_is_the_png_at_once(tmp_path_factory, mode, size, colours, transparency, seed):
    path = tmp_path_factory.mktemp("png") / "picture.png"
    image = picture(mode, size, seed)
    if mode == "P":
        image = image.convert("RGB").quantize(colours)  # Pillow packs few colours into 1, 2 or 4 bits
    options = {"transparency": 0} if transparency and mode in "LP" else {}
    image.save(path, compress_level=seed, **options)
    bit_depth = 16 if mode == "I;16" else None
    np.testing.assert_array_equal(read_in_pieces(path, bit_depth=bit_depth), read_image(path, bit_depth=bit_depth))


@pytest.mark.parametrize("filter_number", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(("colour_type", "bits"), [(0, 8), (2, 8), (6, 8), (2, 16), (6, 16), (0, 4)])
def test_every_filter_of_png(tmp_path, filter_number, colour_type, bits):
    header = large_png.Header(37, 41, bits, colour_type)
    rows = np.random.default_rng(1).integers(0, 256, (41, 1 + header.row_bytes), np.uint8)
    rows[:, 0] = filter_number
    path = tmp_path / "picture.png"
    path.write_bytes(header.file(rows.tobytes()))
    bit_depth = 16 if bits == 16 else None
    np.testing.assert_array_equal(read_in_pieces(path, bit_depth=bit_depth), read_image(path, bit_depth=bit_depth))


def test_every_kind_of_real_file_is_read_alike_or_refused(shared):
    """Those refused are the ones whose rows do not come in their order, and those that nothing reads."""
    refused = {}
    for path in sorted((shared / "data" / "awkward").iterdir()):
        try:
            expected = read_image(path, bit_depth=16)
        except DataError:
            with pytest.raises(DataError):
                read_in_pieces(path, bit_depth=16)
            continue
        try:
            found = read_in_pieces(path, bit_depth=16)
        except DataError as error:
            refused[path.name] = str(error)
            continue
        if read_kind(path) == "JPEG":  # GDAL has another libjpeg, which enlarges subsampled colour otherwise
            assert np.abs(found.astype(int) - expected).mean() < 1, path
        else:
            np.testing.assert_array_equal(found, expected, err_msg=path.name)
    assert set(refused) == {
        "animated.gif", "lossy.webp", "palette.bmp", "true_colour.bmp",
        "cmyk.jpg", "progressive.jpg", "interlaced.png",
        "exif_orientation_3.jpg", "exif_orientation_5.jpg", "exif_orientation_6.jpg",
    }  # fmt: skip


def read_kind(path: Path) -> str:
    """Pillow's name of the format."""
    with Image.open(path) as image:
        return str(image.format)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_file_cut_anywhere_is_an_error(tmp_path, kind):
    encoded = io.BytesIO()
    picture("RGB", (60, 50)).save(encoded, kind)
    content, path = encoded.getvalue(), tmp_path / "cut"
    for end in range(0, len(content) - 1, max(1, len(content) // 40)):
        path.write_bytes(content[:end])
        with pytest.raises(DataError, match="cut"):
            read_in_pieces(path)


def test_a_changed_byte_of_a_png_is_an_error(tmp_path):
    encoded = io.BytesIO()
    picture("RGB", (60, 50)).save(encoded, "PNG")
    content, path = bytearray(encoded.getvalue()), tmp_path / "changed.png"
    for place in range(40, len(content), 97):
        changed = content.copy()
        changed[place] ^= 16
        path.write_bytes(changed)
        with pytest.raises(DataError, match=r"changed\.png"):
            read_in_pieces(path)


def test_a_png_that_is_turned_by_exif_behind_its_pixels_is_refused(tmp_path):
    path = tmp_path / "late.png"
    encoded = io.BytesIO()
    picture("RGB", (60, 50)).save(encoded, "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    late = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    path.write_bytes(encoded.getvalue()[:-12] + late + encoded.getvalue()[-12:])
    with pytest.raises(DataError, match="upright"):
        read_in_pieces(path)


@pytest.mark.parametrize("suffix", [".tif", ".jpg", ".png"])
def test_r9_a_turned_picture_is_refused(tmp_path, suffix):
    path = tmp_path / f"turned{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    picture("RGB", (30, 20)).save(path, exif=exif)
    with pytest.raises(DataError, match=r"EXIF orientation, 6, .*upright"):
        read_in_pieces(path)


def test_deep_pictures_want_their_bit_depth(tmp_path):
    for path in (tmp_path / "deep.png", tmp_path / "deep.tif"):
        picture("I;16", (30, 20)).save(path)
        with pytest.raises(DataError, match=rf"{path.name} has 16 bits.*declare bit_depth"):
            read_in_pieces(path)
        with pytest.raises(ConfigError, match="9 to 16"):
            read_in_pieces(path, bit_depth=8)
        np.testing.assert_array_equal(read_in_pieces(path, bit_depth=16), read_image(path, bit_depth=16))


def test_r22_a_bomb_is_refused_by_its_header_until_the_limit_is_raised(tmp_path):
    path = tmp_path / "bomb.png"
    header = large_png.Header(40_000, 40_000, 8, 0)
    path.write_bytes(
        header.file(bytes(1 + header.row_bytes)).replace(struct.pack(">II", 40_000, 1), header.packed()[:8])
    )
    with_size = bytearray(path.read_bytes())
    with_size[29:33] = struct.pack(">I", zlib.crc32(with_size[12:29]))
    path.write_bytes(with_size)
    assert is_large(path, 50_000_000)
    with pytest.raises(DataError, match=r"1600 million; the limit is 1000 million.*raise max_pixels"):
        read_in_pieces(path)
    with open_large(path, max_pixels=2_000_000_000) as picture:
        assert picture.size == Size(40_000, 40_000)


def test_what_can_only_be_read_whole_counts_as_large_only_beyond_that_reader(tmp_path, monkeypatch):
    for name, options in {"a.jpg": {"progressive": True}, "b.png": {}, "c.bmp": {}}.items():
        picture("RGB", (60, 50)).save(tmp_path / name, **options)
    assert [is_large(tmp_path / name, 2000) for name in ("a.jpg", "b.png", "c.bmp")] == [False, True, False]
    assert not is_large(tmp_path / "b.png", 3000)
    monkeypatch.setattr(large, "MAX_PIXELS", 2500)
    assert is_large(tmp_path / "c.bmp", 2000)
    assert not is_large(tmp_path / "missing.png", 0)


def test_without_rasterio_png_is_still_read(tmp_path, monkeypatch):
    monkeypatch.setattr(large, "find_spec", lambda _: None)
    for name in ("a.jpg", "b.png"):
        picture("RGB", (60, 50)).save(tmp_path / name)
    assert not is_large(tmp_path / "a.jpg", 2000)
    with pytest.raises(MissingExtraError, match=r"segwright\[geo\]"):
        read_in_pieces(tmp_path / "a.jpg")
    assert read_in_pieces(tmp_path / "b.png").shape == (50, 60, 3)


@pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 16, "blockysize": 16}, {"interleave": "band"}])
@pytest.mark.parametrize(("count", "dtype"), [(1, "uint8"), (3, "uint8"), (4, "uint8"), (1, "uint16"), (3, "uint16")])
def test_tiff_of_any_layout(tmp_path, options, count, dtype):
    rasterio = pytest.importorskip("rasterio")
    path = tmp_path / "picture.tif"
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (count, 45, 53), dtype)
    photometric = "rgb" if count >= 3 else "minisblack"
    profile = {"driver": "GTiff", "compress": "deflate", "photometric": photometric, **options}
    with rasterio.open(path, "w", height=45, width=53, count=count, dtype=dtype, **profile) as target:
        target.write(values)
    bit_depth = 16 if dtype == "uint16" else None
    found = read_in_pieces(path, bit_depth=bit_depth)
    expected = values if dtype == "uint8" else np.round(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(found, np.broadcast_to(expected[:3].transpose(1, 2, 0), found.shape))


def test_a_tiff_in_huge_blocks_is_refused_with_the_remedy(tmp_path, monkeypatch):
    pytest.importorskip("rasterio")
    picture("RGB", (60, 50)).save(tmp_path / "strip.tif", compression="tiff_deflate")
    monkeypatch.setattr(large_raster, "MAX_BLOCK_ROW", 1000)
    with pytest.raises(DataError, match="store it in tiles: rio convert"):
        read_in_pieces(tmp_path / "strip.tif")


@settings(max_examples=30, deadline=None)
@given(
    size=st.builds(Size, st.integers(1, 40), st.integers(1, 60)),
    num_classes=st.sampled_from((2, 19, 256, 300)),
    cuts=st.lists(st.integers(1, 39), max_size=5),
    suffix=st.sampled_from((".png", ".tif")),
)
def test_label_maps_written_in_pieces_are_read_as_they_were(tmp_path_factory, size, num_classes, cuts, suffix):
    if suffix == ".tif":
        pytest.importorskip("rasterio")
    path = tmp_path_factory.mktemp("labels") / "sub" / f"label{suffix}"
    ids = np.random.default_rng(0).integers(0, num_classes, size, np.int32)
    palette = default_palette(num_classes)
    with label_rows(path, size, palette) as write:
        for piece in np.split(ids, sorted({cut for cut in cuts if cut < size.height})):
            write(piece)
    np.testing.assert_array_equal(read_label(path), ids)
    if num_classes <= 256:
        np.testing.assert_array_equal(read_image(path), np.array(palette, np.uint8)[ids])


def test_r21_a_tiff_keeps_where_it_lies(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(0.2, 0, 500_000, 0, -0.2, 5_400_000)}
    points = [
        rasterio.control.GroundControlPoint(row, col, row * 2.0, col * 3.0) for row, col in ((0, 0), (0, 9), (9, 0))
    ]
    for name, georeference in {"grid": place, "points": {"crs": "EPSG:4326", "gcps": points}, "none": {}}.items():
        source, label = tmp_path / f"{name}.tif", tmp_path / f"{name}_label.tif"
        with rasterio.open(
            source, "w", driver="GTiff", width=30, height=700, count=3, dtype="uint8", photometric="rgb", **georeference
        ) as target:
            target.write(np.zeros((3, 700, 30), np.uint8))
        with (
            open_large(source) as picture,
            label_rows(label, picture.size, default_palette(2), picture.georeference) as write,
        ):
            for piece in picture.pieces:
                write(piece[:, :, 0])
        with rasterio.open(source) as before, rasterio.open(label) as after:
            assert after.crs == before.crs
            assert after.transform == before.transform
            assert [point.asdict() | {"id": 0} for point in after.gcps[0]] == [
                point.asdict() | {"id": 0} for point in before.gcps[0]
            ]
            assert after.block_shapes == [(512, 512)]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_nothing_is_left_of_a_label_map_that_failed(tmp_path, suffix):
    path = tmp_path / f"label{suffix}"
    path.write_bytes(b"older")

    def fail() -> None:
        with label_rows(path, Size(9, 9), default_palette(2)) as write:
            write(np.zeros((4, 9), np.uint8))
            raise DataError("the picture ends here")

    with pytest.raises(DataError, match="ends here"):
        fail()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_label_maps_of_other_formats_are_refused(tmp_path):
    with (
        pytest.raises(ConfigError, match=r"\.png, \.tif"),
        label_rows(tmp_path / "a.jpg", Size(1, 1), default_palette(2)),
    ):
        pass


FULL_DISK = """
import resource, signal, sys
import numpy as np
from segwright.errors import OutputError
from segwright.images import default_palette
from segwright.images.large_write import label_rows
from segwright.types import Size

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    with label_rows(__import__("pathlib").Path(sys.argv[1]), Size(600, 700), default_palette(200)) as write:
        write(np.random.default_rng(0).integers(0, 200, (600, 700), np.uint8))
except (OSError, OutputError):
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_full_disk_is_an_error_however_late_it_shows(tmp_path, suffix):
    path = tmp_path / f"label{suffix}"

    def run(limit: int) -> int:
        return subprocess.run([sys.executable, "-c", FULL_DISK, path, str(limit)], stderr=subprocess.DEVNULL).returncode

    assert run(10**9) == 0
    size = path.stat().st_size
    path.unlink()
    for limit in (200, size // 2, size - 1):
        assert run(limit) == 3
        assert not any(tmp_path.iterdir())
