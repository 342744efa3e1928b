"""What deploy/cpp refuses: bad pictures, bad bundles, bad commands; an error that says what to do, and no crash."""

import random
import struct
import zlib

import numpy as np
import pytest
import yaml
from cpp_build import run, told
from cpp_bundles import edit, identity, replace_file
from PIL import Image
from small_net import picture

from segwright.images import list_images, output_paths, read_image
from segwright.images.whole import PNG_SIGNATURE, png_chunk

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("to_rgb", [True, False])
def test_r65_awkward_files_are_read_as_python_reads_them_or_refused(program, shared, tmp_path, to_rgb):
    """To the last bit; 16-bit ids are written on the way."""
    folder = identity(tmp_path / "bundle", [], to_rgb=to_rgb, bit_depth=16)
    source = shared / "data" / "awkward"
    done = run(program, "--config", folder, "--image_path", source, "--save_dir", tmp_path / "out", code=2)
    images = list_images(source)
    names = output_paths(images, source, ".png")
    refused = {path.name for path, name in zip(images, names, strict=True) if not (tmp_path / "out" / name).exists()}
    broken = {"truncated.jpg", "truncated.png", "zero_bytes.jpg", "text.jpg", "header_only.jpg"}
    assert refused == broken | {"cmyk.jpg", "animated.gif", "lzw.tif"}
    assert f"{len(refused)} of {len(images)} pictures were not predicted" in told(done)
    assert all(name in done.stdout for name in refused)
    for path, name in zip(images, names, strict=True):
        if path.name not in refused:
            image = read_image(path, bit_depth=16).astype(int)
            first = image[:, :, 0 if to_rgb else 2]
            np.testing.assert_array_equal(np.array(Image.open(tmp_path / "out" / name)), first + 256 * image[:, :, 1])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_r65_no_damaged_file_that_python_refuses_is_read(program, exported, pictures, tmp_path):
    draw = random.Random(0)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    whole = [path for path in list_images(pictures) if path.suffix != ".webp"]
    for number in range(250):
        path = whole[number % len(whole)]
        content = bytearray(path.read_bytes())
        if number % 3 == 0:
            content = content[: draw.randrange(len(content))]
        for _ in range(number % 5 if content else 0):
            content[draw.randrange(min(len(content), draw.choice((40, 400, 40000))))] = draw.randrange(256)
        (damaged / f"{number:03d}{path.suffix}").write_bytes(content)
    run(program, "--config", exported, "--image_path", damaged, "--save_dir", tmp_path / "out", code=2)
    images = list_images(damaged)
    read = [path for path in images if (tmp_path / "out" / (path.stem + ".png")).exists()]
    assert 0 < len(read) < len(images)
    for path in read:
        assert read_image(path).size  # raises where Python refuses


def test_pictures_too_deep_too_large_or_of_the_wrong_size(program, bundle, tmp_path):
    Image.fromarray(np.full((4, 5), 4000, np.uint16)).save(tmp_path / "deep.png")
    done = run(
        program, "--config", bundle, "--image_path", tmp_path / "deep.png", "--save_dir", tmp_path / "out", code=2
    )
    assert "16 bits per value (largest value 4000)" in told(done)
    edit(bundle, lambda content: content["Deploy"].update(input_shape=[1, 3, 56, 72]))
    Image.fromarray(picture(30, 40)).save(tmp_path / "small.png")
    done = run(
        program, "--config", bundle, "--image_path", tmp_path / "small.png", "--save_dir", tmp_path / "out", code=2
    )
    assert "small.png is 40x30 (width x height) after preprocessing, but this model was exported for 72x56" in told(
        done
    )
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0))
    (tmp_path / "large.png").write_bytes(PNG_SIGNATURE + header + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b""))
    done = run(
        program, "--config", bundle, "--image_path", tmp_path / "large.png", "--save_dir", tmp_path / "out", code=2
    )
    assert "30000x30000 pixels; the limit is 89478485" in told(done)


def _tiff(entries: list[tuple[int, int, int, int]], data: bytes = b"") -> bytes:
    """Little-endian, of these directory entries: tag, kind, count, and value or place; data begins at byte 8."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(entries)) + directory + bytes(4)
    )


def test_r65_pictures_made_to_take_all_memory_or_time_are_refused(program, bundle, tmp_path):
    bombs = tmp_path / "bombs"
    bombs.mkdir()
    strip = zlib.compress(bytes(50_000_000))
    gray = [(256, 3, 1, 10), (257, 3, 1, 10), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    (bombs / "strip.tif").write_bytes(_tiff([*gray, (273, 4, 1, 8), (279, 4, 1, len(strip))], strip))
    (bombs / "lists.tif").write_bytes(_tiff([(40_000 + number, 1, 50_000, 8) for number in range(5000)], bytes(60_000)))
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 3, 0, 0, 0))
    pixels = png_chunk(b"PLTE", bytes(6)) + png_chunk(b"IDAT", zlib.compress(bytes(10))) + png_chunk(b"IEND", b"")
    (bombs / "palette.png").write_bytes(PNG_SIGNATURE + header + pixels)
    Image.new("L", (1_000_000, 1)).save(bombs / "long.png")
    edit(bundle, lambda content: content["Deploy"].update(transforms=[{"type": "ResizeByShort", "short_size": 5000}]))
    done = run(program, "--config", bundle, "--image_path", bombs, "--save_dir", tmp_path / "out", code=2)
    assert "strip.tif (TIFF) is damaged or cut short: its strips hold more than the picture" in done.stdout
    assert "lists.tif (TIFF) is damaged or cut short: it ends too early" in done.stdout
    assert "palette.png (PNG) is damaged or cut short: its palette has places of more than 8 bits" in done.stdout
    assert "long.png: a picture of 1000000x1 would be resized to a side of 5e+09 pixels" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give an exported model with --config"),
        (("--config", "nowhere"), "give pictures with --image_path, or --selftest"),
        (("--config", "nowhere", "--selftest"), "nowhere does not exist; 'segwright export' writes it"),
        (("--conig", "x"), "unknown argument --conig"),
        (("--config",), "--config wants a value"),
        (("--config", "x", "--threads", "0"), "want a whole number of at least 1, got '0'"),
        (("--config", "x", "--engine", "tensorrt"), "want one of auto, openvino, onnxruntime, got 'tensorrt'"),
    ],
)
def test_mistakes_on_the_command_line(program, words, message):
    assert message in told(run(program, *words, code=2))


def test_missing_pictures_engines_and_places(program, exported, pictures, tmp_path):
    done = run(program, "--config", exported, "--image_path", tmp_path / "none.png", code=2)
    assert "none.png does not exist" in told(done)
    (tmp_path / "empty").mkdir()
    assert "no picture in" in told(run(program, "--config", exported, "--image_path", tmp_path / "empty", code=2))
    (tmp_path / "file").write_text("x")
    one = ("--config", exported, "--image_path", pictures / "a.png", "--save_dir")
    assert "cannot be written" in told(run(program, *one, tmp_path / "file", code=2))
    assert "OpenVINO finds" in told(run(program, *one, tmp_path / "out", "--device", "gpu", code=2))
    done = run(program, *one, tmp_path / "out", "--engine", "onnxruntime", code=None)
    assert done.returncode == 0 or "is not built into this program" in told(done)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../model.onnx", "a/../../m", "C:\\m", "..\\m", "\\\\host\\m", "", "a\0b"]
)
def test_r64_hostile_paths(program, bundle, name):
    edit(bundle, lambda content: content["selftest"][0].update(image=name))
    assert "only files inside its own folder" in told(run(program, "--config", bundle, "--selftest", code=2))


def _truncate(folder):
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-100])


def _foreign(folder):
    """A model that halves its picture."""
    onnx = pytest.importorskip("onnx")
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = make.make_graph(
        [make.make_node("MaxPool", ["image"], ["small"], kernel_shape=[2, 2], strides=[2, 2])],
        "foreign",
        [make.make_tensor_value_info("image", kind, ["N", 3, "H", "W"])],
        [make.make_tensor_value_info("small", kind, ["N", 3, "h", "w"])],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=10)
    replace_file(folder, "model.onnx", model.SerializeToString())


BAD = {
    "foreign": (_foreign, "gives neither labels nor scores for each of the 60x45 pixels"),
    "truncated": (_truncate, "model.onnx is not the file that was exported"),
    "missing": (lambda folder: (folder / "model.onnx").unlink(), "names model.onnx, which is missing"),
    "swapped": (lambda folder: replace_file(folder, "model.onnx", b"not a graph"), "cannot load"),
    "empty": (lambda folder: replace_file(folder, "model.onnx", b""), "cannot load"),
    "half": (
        lambda folder: replace_file(folder, "model.onnx", (folder / "model.onnx").read_bytes()[:3000]),
        "cannot load",
    ),
    "no yaml": (lambda folder: (folder / "deploy.yaml").write_bytes(b"\x00\xff: ["), "deploy.yaml"),
    "no block": (lambda folder: (folder / "deploy.yaml").write_text("- 1"), "it has no 'Deploy:' block"),
    "deep": (lambda folder: (folder / "deploy.yaml").write_text("[" * 30000), "deploy.yaml"),
    "newer": (
        lambda folder: edit(folder, lambda content: content.update(schema=9)),
        "reads layouts up to 2: upgrade it",
    ),
    "word": (lambda folder: edit(folder, lambda content: content.update(schema="2")), "no valid 'schema'"),
    "no key": (lambda folder: edit(folder, lambda content: content["Deploy"].pop("palette")), "has no 'palette'"),
    "torch": (
        lambda folder: edit(folder, lambda content: content["Deploy"].update(format="torch")),
        "which only segwright in Python runs: export again with --format onnx or openvino",
    ),
    "unknown transform": (
        lambda folder: edit(folder, lambda content: content["Deploy"].update(transforms=[{"type": "RandomBlur"}])),
        "transforms[0] is RandomBlur, which this program does not have",
    ),
    "unknown argument": (
        lambda folder: edit(
            folder, lambda content: content["Deploy"].update(transforms=[{"type": "Normalize", "gamma": 2}])
        ),
        "Normalize has an argument 'gamma' that this program does not know",
    ),
    "chance": (
        lambda folder: edit(
            folder, lambda content: content["Deploy"].update(transforms=[{"type": "Resize", "interp": "RANDOM"}])
        ),
        "leaves to chance",
    ),
    "channels": (
        lambda folder: edit(folder, lambda content: content["Deploy"].update(img_channels=5)),
        "img_channels is 5",
    ),
    "other input": (
        lambda folder: edit(folder, lambda content: content["Deploy"].update(picture_input=True)),
        "OpenVINO cannot run",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_r65_bad_bundles(program, bundle, pictures, tmp_path, kind):
    change, message = BAD[kind]
    change(bundle)
    place = ("--image_path", pictures / "a.png", "--save_dir", tmp_path / "out", "--engine", "openvino")
    assert message in told(run(program, "--config", bundle, *place, code=2))
    assert not (tmp_path / "out").exists()


def test_r65_any_damage_to_the_manifest_is_a_readable_error(program, bundle, pictures, tmp_path):
    whole = (bundle / "deploy.yaml").read_text()
    draw = random.Random(1)
    for number in range(15):
        content = yaml.safe_load(whole)
        block = content if number % 3 == 0 else content["Deploy"]
        block[draw.choice(sorted(block))] = draw.choice(
            [None, 5, -1, "x", [], {}, [None], [[1]], ["a"], {"a": 1}, 1e300]
        )
        (bundle / "deploy.yaml").write_text(yaml.safe_dump(content))
        place = ("--image_path", pictures / "a.png", "--save_dir", tmp_path / "out")
        run(program, "--config", bundle, *place, code=None)
