"""The page of deploy/web in headless Chromium: what a person does and sees."""

import base64
import shutil
import subprocess

import numpy as np
import pytest
import yaml
from small_net import picture
from web_page import CLASSES, png

from benchmarks.targets.web import WEB, web_server
from segwright.runtime import load


@pytest.fixture
def opened(browser, models):
    """Opens the page; a fault in its script, or a request to any other place, fails the test."""
    contexts, faults, asked = [], [], []
    with web_server(models) as address:

        def open_page(query: str = "", width: int = 1280, **options):
            context = browser.new_context(viewport={"width": width, "height": 900}, **options)
            contexts.append(context)
            context.set_default_timeout(20_000)
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
            page.on("request", lambda request: asked.append(request.url))
            page.goto(address + query)
            return page

        yield open_page
        for context in contexts:
            context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith((address, "blob:", "data:"))] == []


def upload(page, image: np.ndarray, name: str = "street.png") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": png(image)})


def legend(page) -> list[str]:
    rows = page.locator("#present .pick").all_inner_texts()
    return [" ".join(row.split()) for row in rows]


def test_a_model_of_the_address_sees_a_picture(opened, models):
    page = opened("?model=models/labels&threads=2")
    page.wait_for_selector("#selftest:visible")
    assert page.inner_text("#model-name") == "labels"
    assert page.inner_text("#model-facts") == "4 classes · any input size · fp32 · WebAssembly, 2 threads"
    image = picture(60, 80)
    upload(page, image)
    page.wait_for_selector("#result:visible")
    label = load(models / "labels")(image)
    shares = [(100 * (label == i).mean(), name) for i, name in enumerate(CLASSES) if (label == i).any()]
    assert legend(page) == [f"{name} {share:.1f} %" for share, name in sorted(shares, reverse=True)]
    palette = yaml.safe_load((models / "labels" / "deploy.yaml").read_text())["Deploy"]["palette"]
    drawn = page.evaluate("[...document.getElementById('colours').getContext('2d').getImageData(0, 0, 1, 1).data]")
    assert drawn == [*palette[label[0, 0]], 255]
    assert page.inner_text("#total").endswith(" ms")
    assert page.locator("#times dt").all_inner_texts() == [
        "reading the picture",
        "preparing it",
        "running the model",
        "labels at its size",
    ]
    page.press("#colours", "ArrowDown")
    assert page.inner_text("#tip") in CLASSES
    page.click("#selftest")
    page.wait_for_selector(
        "text=/This device gives the labels of the trained model: ([\\d,]+) of \\1 test pixels agree/"
    )


def test_a_folder_is_chosen(opened, models):
    page = opened()
    upload(page, picture(9, 9))
    assert page.inner_text("#message") == "Choose a model first: the folder that 'segwright export' has written."
    page.set_input_files("#folder", models / "labels")
    page.wait_for_selector("#selftest:visible")
    assert page.inner_text("#model-name") == "labels"
    upload(page, picture(20, 30))
    page.wait_for_selector("#result:visible")


def test_a_picture_and_a_folder_are_dropped(opened):
    page = opened("?model=models/labels")
    page.wait_for_selector("#selftest:visible")
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "got.png"));
            document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
        }""",
        base64.b64encode(png(picture(20, 30))).decode(),
    )
    page.wait_for_selector("#result:visible")
    paths = page.evaluate("""async () => {
        const { filesIn } = await import("/demo/folder.js");
        const file = (fullPath) => ({ fullPath, isDirectory: false, file: (got) => got(new File([""], "name")) });
        const folder = (entries) => {
            const parts = [entries.slice(0, 1), entries.slice(1), []];
            return { isDirectory: true, createReader: () => ({ readEntries: (got) => got(parts.shift()) }) };
        };
        const below = folder([file("/street/selftest/mask_1.png")]);
        const files = await filesIn(folder([file("/street/deploy.yaml"), file("/street/model.onnx"), below]));
        return files.map(({ webkitRelativePath }) => webkitRelativePath);
    }""")
    assert paths == ["street/deploy.yaml", "street/model.onnx", "street/selftest/mask_1.png"]


def test_a_folder_without_a_model_and_a_file_that_is_no_picture(opened, tmp_path):
    page = opened()
    (tmp_path / "words.txt").write_text("words")
    page.set_input_files("#folder", tmp_path)
    page.wait_for_selector("text=There is no deploy.yaml among these files")
    page = opened("?model=models/labels")
    page.wait_for_selector("#selftest:visible")
    page.set_input_files("#file", {"name": "words.png", "mimeType": "image/png", "buffer": b"words"})
    page.wait_for_selector("text=words.png is not a picture that this browser can read")
    assert not page.is_visible("#progress")


def test_the_webcam_runs_until_it_is_stopped(opened):
    page = opened("?model=models/labels")
    page.wait_for_selector("#selftest:visible")
    page.click("#webcam")
    page.wait_for_selector("text=frames per second")
    page.click("text=Stop the webcam")
    page.wait_for_selector("#rate", state="hidden")
    assert page.evaluate("document.getElementById('camera').srcObject") is None
    assert legend(page)
    assert not page.is_visible("#message")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(opened, scheme):
    page = opened("?model=models/labels", 390, color_scheme=scheme, has_touch=True, is_mobile=True)
    page.wait_for_selector("#selftest:visible")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    upload(page, picture(60, 80), "a_very_long_name_of_a_picture_" * 4 + ".png")
    page.wait_for_selector("#result:visible")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_types_and_package(browser_path, tmp_path):  # noqa: ARG001 - npm's packages are there
    """A TypeScript program that uses the package as npm packs it."""
    web = tmp_path / "deploy" / "web"  # packing moves the link to the page, which others may be reading
    shutil.copytree(WEB, web, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(WEB / "page", tmp_path / "src" / "segwright" / "serve" / "page")
    shutil.copy(WEB.parents[1] / "LICENSE", tmp_path)
    command = ["npm", "pack", "--silent", "--pack-destination", tmp_path]
    packed = subprocess.run(command, cwd=web, check=True, capture_output=True, text=True)
    module = tmp_path / "node_modules" / "segwright-web"
    module.mkdir(parents=True)
    archive = tmp_path / packed.stdout.split()[-1]
    subprocess.run(["tar", "-xzf", archive, "-C", module, "--strip-components=1"], check=True)
    assert (web / "page").is_symlink()
    assert (module / "page" / "label_map.js").is_file()
    assert (module / "LICENSE").is_file()
    (tmp_path / "use.mts").write_text(
        'import { SegwrightError, load, overlay, type Prediction } from "segwright-web";\n'
        'const predictor = await load("models/road", { backend: "wasm", threads: 2 });\n'
        "const prediction: Prediction = await predictor.predict(new Blob());\n"
        "overlay(new OffscreenCanvas(1, 1), new Image(), prediction, predictor.manifest.palette, 0.5);\n"
        "const ids: number = prediction.labelMap[0];\n"
        "// @ts-expect-error: there is no such option\n"
        'await load("models/road", { thread: ids });\n'
        "console.log((await predictor.selftest()).every(({ passed }) => passed), new SegwrightError().message);\n"
    )
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2023,dom,dom.iterable"]
    checked = subprocess.run(
        [WEB / "node_modules" / ".bin" / "tsc", *options, "use.mts"], cwd=tmp_path, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
