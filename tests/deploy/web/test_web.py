"""The browser's library and its page in headless Chromium, next to Python's runtime."""

import base64

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_net import picture
from web_page import NORMALIZE, edited, png, predicted, prepared

from benchmarks.targets.web import TO_BASE64
from segwright.bundle import Preprocessing, file_hash
from segwright.runtime import load

PREPROCESSINGS = [
    [NORMALIZE],
    [{"type": "Resize", "target_size": [72, 56]}, {"type": "Normalize"}],
    [{"type": "Resize", "target_size": [96, 64], "keep_ratio": True, "size_divisor": 32}, NORMALIZE],
    [{"type": "Resize", "target_size": [40, 50], "interp": "NEAREST"}, NORMALIZE, {"type": "ReverseChannels"}],
    [{"type": "Resize", "target_size": [52, 61], "interp": "CUBIC"}, NORMALIZE],
    [{"type": "ResizeByLong", "long_size": 70}, {"type": "Padding", "target_size": [80, 80]}, NORMALIZE],
    [{"type": "ResizeByShort", "short_size": 60, "max_size": 71}, NORMALIZE],
    [{"type": "LimitLong", "max_long": 50}, {"type": "LimitShort", "min_short": 45}, NORMALIZE],
    [
        {"type": "PaddingByAspectRatio", "aspect_ratio": 1.7, "im_padding_value": [0, 100.5, 255]},
        {"type": "Resize", "target_size": [51, 33]},
        NORMALIZE,
    ],
    [
        {"type": "ResizeRangeScaling", "min_value": 53, "max_value": 53},
        {"type": "ResizeStepScaling", "min_scale_factor": 1.3, "max_scale_factor": 1.3},
        {"type": "AddEdgeLabel"},
        NORMALIZE,
    ],
]
SIZES = [(45, 60), (97, 31), (33, 80), (1, 1)]


def sides(most: int = 90) -> st.SearchStrategy:
    return st.integers(1, most)


def block(kind: str, **arguments) -> st.SearchStrategy:
    return st.fixed_dictionaries({"type": st.just(kind), **arguments})


BLOCKS = st.one_of(
    block(
        "Resize",
        target_size=st.lists(sides(), min_size=2, max_size=2),
        keep_ratio=st.booleans(),
        size_divisor=st.sampled_from([None, 8, 32]),
        interp=st.sampled_from(["LINEAR", "NEAREST", "CUBIC"]),
    ),
    block("ResizeByLong", long_size=sides()),
    block("ResizeByShort", short_size=sides(60), max_size=sides(120)),
    block("LimitLong", max_long=st.integers(40, 70), min_long=st.integers(5, 40)),
    block("LimitShort", max_short=st.integers(40, 70)),
    block("PaddingByAspectRatio", aspect_ratio=st.floats(0.3, 3), im_padding_value=st.floats(0, 255, width=32)),
    block("ReverseChannels"),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(BLOCKS, max_size=2), st.tuples(sides(), sides()), st.sampled_from([(3, True), (3, False), (1, True)]))
def test_preprocessing_gives_the_same_numbers_as_in_python(page, blocks, size, colours):
    channels, to_rgb = colours
    normalize = NORMALIZE if channels == 3 else {"type": "Normalize"}
    prepare = Preprocessing([*blocks, normalize], to_rgb=to_rgb, img_channels=channels)
    image = picture(*size, sum(size))
    np.testing.assert_allclose(prepared(page, prepare, image), prepare(image).tensor, rtol=0, atol=2e-5)


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


def test_pictures_of_every_kind_are_read_as_python_reads_them(page, models, tmp_path):
    image = picture(40, 50, 7)
    turned = Image.Exif()
    turned[0x0112] = 6
    rgba = np.dstack([image, np.linspace(0, 255, 2000).astype(np.uint8).reshape(40, 50)])
    files = {
        "turned.png": png(image, exif=turned.tobytes()),
        "alpha.png": png(rgba),
        "gray.png": png(image[..., 0]),
        "palette.png": png(np.asarray(Image.fromarray(image).quantize(9).convert("RGB"))),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    expected = load(models / "labels").predict_batch([tmp_path / name for name in files])
    for name, got, wanted in zip(files, predicted(page, "models/labels", list(files.values())), expected, strict=True):
        np.testing.assert_array_equal(got, wanted, err_msg=name)


def test_what_else_holds_a_picture(page):
    """ImageData, a bitmap, both canvases and an image element give the labels that the file gives."""
    same = page.evaluate(
        "async (file) => {"
        + TO_BASE64
        + """
        const { load, overlay } = await import("/src/index.js");
        const predictor = await load("models/labels");
        const blob = new Blob([decoded(file)], { type: "image/png" });
        const wanted = await predictor.predict(blob);
        const bitmap = await createImageBitmap(blob);
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
        const context = canvas.getContext("2d");
        context.drawImage(bitmap, 0, 0);
        const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height);
        offscreen.getContext("2d").drawImage(bitmap, 0, 0);
        const image = new Image();
        image.src = URL.createObjectURL(blob);
        await image.decode();
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
        const found = {};
        for (const [name, picture] of Object.entries({ bitmap, canvas, offscreen, image, pixels })) {
            const { labelMap } = await predictor.predict(picture);
            found[name] = labelMap.every((id, i) => id === wanted.labelMap[i]);
        }
        overlay(canvas, bitmap, wanted, predictor.manifest.palette, 1);
        const id = wanted.labelMap[0];
        const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
        const colour = id === 0 ? [...pixels.data.slice(0, 3)] : predictor.manifest.palette[id];
        found.overlay = `${[red, green, blue]}` === `${colour}`;
        return found;
    }""",
        base64.b64encode(png(picture(30, 40))).decode(),
    )
    assert same == dict.fromkeys(same, True)
    assert len(same) == 6


def test_selftest_and_weights_in_a_file_of_their_own(page, models):
    onnx = pytest.importorskip("onnx")
    folder = edited(models, "apart")
    onnx.save(
        onnx.load(folder / "model.onnx"),
        folder / "model.onnx",
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=256,
    )
    content = yaml.safe_load((folder / "deploy.yaml").read_text())
    content["files"] = [file for file in content["files"] if file["path"] != "model.onnx"]
    content["files"] += [
        {"path": path, "sha256": file_hash(folder / path)} for path in ("model.onnx", "model.onnx.data")
    ]
    (folder / "deploy.yaml").write_text(yaml.safe_dump(content))
    results = page.evaluate("""async () => {
        const { load } = await import("/src/index.js");
        return (await load("models/apart/deploy.yaml")).selftest();
    }""")
    assert [result["passed"] for result in results] == [True, True]
    assert [result["different"] for result in results] == [0, 0]


@pytest.mark.slow
def test_r66_webgpu_is_taken_only_where_the_test_pictures_come_out_right(driver, browser_path, address, models):
    """With a software adapter: as it is, and where it is made to give other labels."""
    folder = models / "labels"
    mask = np.asarray(Image.open(folder / "selftest" / "mask_1.png"))
    edited(models, "doubted", files={"selftest/mask_1.png": png((mask + 1) % 4)})
    with_gpu = driver.chromium.launch(
        executable_path=browser_path,
        args=["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
    )
    page = with_gpu.new_page()
    page.goto(address)
    if not page.evaluate("navigator.gpu?.requestAdapter().then(Boolean, () => false)"):
        pytest.skip("this Chromium has no software adapter for WebGPU")
    backend = """async (model) => {
        const { load } = await import("/src/index.js");
        return (await load(model)).backend;
    }"""
    assert page.evaluate(backend, "models/labels") == "webgpu"
    assert page.evaluate(backend, "models/doubted") == "wasm"
    with_gpu.close()
