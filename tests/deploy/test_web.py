"""The browser's library and its page in headless Chromium, next to Python's runtime."""

import base64
import io
import json
import shutil
import subprocess

import numpy as np
import pytest
import yaml
from PIL import Image
from small_net import TRANSFORMS, export_small, picture
from web_page import BROWSER, TO_BASE64, WEB, needs, predicted, web_server

from segwright.bundle import Preprocessing, file_hash
from segwright.runtime import load

needs()
playwright = pytest.importorskip("playwright.sync_api", reason="playwright, which drives the browser, is not installed")

NORMALIZE = {"type": "Normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
PREPROCESSINGS = [
    [NORMALIZE],
    [{"type": "Resize", "target_size": [72, 56]}, {"type": "Normalize"}],
    [{"type": "Resize", "target_size": [96, 64], "keep_ratio": True, "size_divisor": 32}, NORMALIZE],
    [{"type": "Resize", "target_size": [40, 50], "interp": "NEAREST"}, NORMALIZE, {"type": "ReverseChannels"}],
    [{"type": "ResizeByLong", "long_size": 70}, {"type": "Padding", "target_size": [80, 80]}, NORMALIZE],
    [{"type": "ResizeByShort", "short_size": 60, "max_size": 71}, NORMALIZE],
    [{"type": "LimitLong", "max_long": 50}, {"type": "LimitShort", "min_short": 45}, NORMALIZE],
    [
        {"type": "PaddingByAspectRatio", "aspect_ratio": 1.7, "im_padding_value": [0, 100.5, 255]},
        {"type": "Resize", "target_size": [51, 33]},
        NORMALIZE,
    ],
]
SIZES = [(45, 60), (97, 31), (33, 80), (1, 1)]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Exports of a small net: labels, scores and probabilities at any size, and one that takes pictures."""
    folder = tmp_path_factory.mktemp("models")
    free = {"input_shape": None, "transforms": [NORMALIZE]}
    export_small(folder / "labels", **free)
    export_small(folder / "scores", **free, output_op="none")
    export_small(folder / "pictures", picture_input=True)
    return folder


@pytest.fixture(scope="module")
def address(models):
    with web_server(models) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", *camera])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser, address):
    page = browser.new_page()
    page.goto(address)
    yield page
    page.close()


def png(image: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", **options)
    return file.getvalue()


def edited(models, name: str, *, of: str = "labels", files: dict[str, bytes] | None = None, **changes):
    """A copy of an export with other values in its ``Deploy:`` block, and other files with their checksums."""
    folder = shutil.copytree(models / of, models / name)
    manifest = folder / "deploy.yaml"
    content = yaml.safe_load(manifest.read_text())
    for path, data in (files or {}).items():
        (folder / path).write_bytes(data)
        next(file for file in content["files"] if file["path"] == path)["sha256"] = file_hash(folder / path)
    for key, value in changes.items():
        (content if key in content else content["Deploy"])[key] = value
    manifest.write_text(yaml.safe_dump(content))
    return folder


def refusal(page, model: str, file: bytes | None = None, **options) -> str:
    with pytest.raises(AssertionError) as caught:
        predicted(page, f"models/{model}", [file or png(picture(20, 20))], **options)
    return str(caught.value)


@pytest.mark.parametrize("index", range(len(PREPROCESSINGS)))
def test_preprocessing_gives_the_same_numbers_as_in_python(page, index):
    blocks = PREPROCESSINGS[index]
    for channels, to_rgb in ((3, True), (3, False), (1, True)):
        if channels == 1 and "100.5" in str(blocks) or channels == 1 and NORMALIZE in blocks:
            continue
        prepare = Preprocessing(blocks, to_rgb=to_rgb, img_channels=channels)
        for seed, size in enumerate(SIZES):
            image = picture(*size, seed)
            rgba = np.dstack([image, np.full(size, 255, np.uint8)])
            shape, data = page.evaluate(
                "async ([blocks, toRgb, channels, width, height, rgba]) => {"
                + TO_BASE64
                + """
                const { preprocessing } = await import("/src/preprocessing.js");
                const prepare = preprocessing({ transforms: blocks, toRgb, channels }, "deploy.yaml");
                const image = prepare({ width, height, data: decoded(rgba) });
                const bytes = new Float32Array(image.planes.flatMap((plane) => [...plane]));
                return [[image.planes.length, image.height, image.width], encoded(bytes)];
            }""",
                [prepare.blocks, to_rgb, channels, *size[::-1], base64.b64encode(rgba.tobytes()).decode()],
            )
            got = np.frombuffer(base64.b64decode(data), np.float32).reshape(shape)
            np.testing.assert_allclose(got, prepare(image).tensor, rtol=0, atol=2e-5)


@pytest.mark.parametrize("of", ["labels", "scores"])
def test_labels_are_those_of_python_to_the_pixel(page, models, of):
    pictures = [picture(*size, seed) for seed, size in enumerate(SIZES)]
    for index, blocks in enumerate(PREPROCESSINGS):
        name = f"{of}_{index}"
        folder = edited(models, name, of=of, transforms=blocks)
        expected = load(folder).predict_batch(pictures)
        for got, wanted in zip(predicted(page, f"models/{name}/", [png(p) for p in pictures]), expected, strict=True):
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(got, wanted)


def test_a_graph_that_begins_with_pictures(page, models):
    image = picture(56, 72)
    expected = load(models / "pictures")(image)
    np.testing.assert_array_equal(predicted(page, "models/pictures", [png(image)])[0], expected)
