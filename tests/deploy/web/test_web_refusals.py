"""What the browser's library refuses, and in which words."""

import numpy as np
import pytest
from small_net import picture
from web_page import edited, png, predicted, refusal

from benchmarks.targets.web import web_server


def test_a_bad_picture_is_refused_in_words(page):
    whole = png(picture(60, 60))
    assert "is not a picture that this browser can read" in refusal(page, "labels", b"words")
    assert "is not a picture that this browser can read" in refusal(page, "labels", whole[: len(whole) // 2])
    assert "stores 16 bits per value" in refusal(page, "labels", png(np.full((9, 9), 40000, np.uint16)))
    assert "is 20x20 (width x height) after preprocessing, but this model was exported for 72x56 only" in refusal(
        page, "pictures", png(picture(20, 20))
    )


def test_a_browser_that_alters_pixels_is_refused(browser, address):
    page = browser.new_page()
    page.goto(address)
    page.evaluate("""() => {
        const context = OffscreenCanvasRenderingContext2D.prototype;
        const read = context.getImageData;
        context.getImageData = function (...at) {
            const image = read.apply(this, at);
            image.data[400] ^= 1;
            return image;
        };
    }""")
    assert "alters the pixels that pages read" in refusal(page, "labels")
    page.close()


def test_missing_packages_are_told(browser, address):
    page = browser.new_page()
    page.route("**/js-yaml*", lambda route: route.fulfill(status=404))
    page.goto(address)
    page.wait_for_selector("text=run npm ci in its folder")
    page.unroute("**/js-yaml*")
    page.route("**/*.wasm", lambda route: route.fulfill(status=404))
    page.goto(address)
    assert "ONNX Runtime Web does not start here" in refusal(page, "labels")
    page.close()


def test_a_bad_model_is_refused_in_words(page, models):
    edited(models, "garbage", files={"model.onnx": b"no model"})
    assert "model.onnx cannot be opened by ONNX Runtime" in refusal(page, "garbage")
    edited(models, "swapped")
    (models / "swapped" / "model.onnx").write_bytes(b"no model")
    assert "model.onnx is not the file that was exported (its SHA-256 differs" in refusal(page, "swapped")
    edited(models, "absent")
    (models / "absent" / "model.onnx").unlink()
    assert "model.onnx is missing (the server says 404)" in refusal(page, "absent")
    assert "deploy.yaml is missing (the server says 404)" in refusal(page, "nowhere")
    for name, text, words in (
        ("cut", "Deploy: {model: [", "deploy.yaml cannot be read"),
        ("list", "- a list", "it has no 'Deploy:' block"),
        ("paddle", "Deploy: {model: model.pdmodel, transforms: []}", "which only Paddle Inference runs"),
    ):
        (models / name).mkdir()
        (models / name / "deploy.yaml").write_text(text)
        assert words in refusal(page, name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "openvino"}, "in the format openvino, which browsers do not run"),
        ({"schema": 99}, "has layout 99"),
        ({"model": "../model.onnx"}, "only files inside its own folder are allowed"),
        ({"model": "C:\\model.onnx"}, "only files inside its own folder are allowed"),
        ({"model": "/model.onnx"}, "only files inside its own folder are allowed"),
        ({"model": "other.onnx"}, "names other.onnx but holds no checksum"),
        ({"input_shape": [1, 3]}, "input_shape is to be four numbers"),
        ({"palette": [[0, 0, 900]]}, "palette is to be"),
        ({"img_channels": 4}, "pictures of 4 channels"),
        ({"transforms": [{"type": "RandomBlur"}]}, "transforms[0]: RandomBlur is not among"),
        ({"transforms": [{"type": "ResizeRangeScaling"}]}, "draws from 400 to 600 at random"),
        ({"transforms": [{"type": "toString"}]}, "transforms[0]: toString is not among"),
        ({"transforms": [{"type": "Resize", "interp": "AREA"}]}, "Resize.interp AREA is not among"),
        ({"transforms": [{"type": "Resize", "colour": 1}]}, "Resize has no argument colour"),
        ({"transforms": [{"type": "Resize", "target_size": [0, 9]}]}, "whole pixels above zero"),
        ({"transforms": [{"type": "Padding", "target_size": [9, 9]}]}, "met an image of 20x20"),
        ({"transforms": [{"type": "Normalize", "mean": [1, 2]}]}, "has 2 numbers, but the image has 3 channels"),
        ({"transforms": [{"type": "Normalize", "std": 0}]}, "none may be 0"),
    ],
)
def test_a_manifest_that_cannot_be_met_is_refused_in_words(page, models, changes, words):
    name = f"changed_{abs(hash(str(changes)))}"
    edited(models, name, **changes)
    assert words in refusal(page, name)


def test_options_that_cannot_be_met_are_refused_in_words(page, browser, models):
    assert "choose auto, webgpu, wasm" in refusal(page, "labels", backend="fast")
    assert "threads is a whole number above zero" in refusal(page, "labels", threads=0)
    predicted(page, "models/labels", [png(picture(20, 20))])
    assert "ONNX Runtime keeps that number" in refusal(page, "labels", threads=64)
    with web_server(models, isolated=False) as address:
        plain = browser.new_page()
        plain.goto(address)
        assert "browsers allow threads only to pages" in refusal(plain, "labels", threads=2)
        plain.close()
