"""The web page of `segwright serve` in a real browser, before a made-up server: what a person does and sees."""

import base64
import io
import json
import re
from contextlib import ExitStack

import numpy as np
import pytest
from chromium import CAMERA, chromium
from page_server import CLASSES, halves, model, page_server
from PIL import Image

INSECURE = "segwright.test"  # a name of this machine to which browsers lend no camera
WIDTH, HEIGHT = 100, 80
GREY = (200, 200, 200)
COLOUR = {name: tuple(bytes.fromhex(color[1:])) for _, name, color in CLASSES}


@pytest.fixture(scope="module")
def browser():
    with chromium(f"--host-resolver-rules=MAP {INSECURE} 127.0.0.1", *CAMERA) as browser:
        yield browser


@pytest.fixture
def server():
    with page_server() as server:
        yield server


@pytest.fixture
def address(server) -> str:
    """Where the page is."""
    return server.url


@pytest.fixture
def opened(browser, address):
    """Opens the page; a fault in its script, or a request to any other place, fails the test."""
    with ExitStack() as contexts:

        def open_page(width: int = 1280, at: str = address, **options):
            context = browser.new_context(viewport={"width": width, "height": 900}, **options)
            contexts.callback(context.close)
            context.set_default_timeout(10_000)
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
            page.on("request", lambda request: asked.append(request.url))
            page.goto(at)
            home.append(at)
            return page

        faults, asked, home = [], [], []
        yield open_page
        assert faults == []
        assert [url for url in asked if not url.startswith((*home, "blob:", "data:"))] == []


def _is_fault(message) -> bool:
    return message.type == "error" and not message.text.startswith("Failed to load resource")  # 401, 415, ...


def grey(width: int = WIDTH, height: int = HEIGHT, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), GREY).save(file, kind)
    return file.getvalue()


def upload(page, name: str = "street.png", content: bytes | None = None) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content or grey()})


def segmented(page, **upload_options) -> None:
    upload(page, **upload_options)
    page.wait_for_selector("#result:visible")
    page.wait_for_selector("#progress", state="hidden")


def legend(page) -> list[str]:
    rows = page.locator("#present .pick").all_inner_texts()
    return [" ".join(row.split()) for row in rows]


def drawn(page, x: int, y: int) -> list[int]:
    """R, G, B, A of a pixel of the classes' canvas."""
    return page.evaluate(
        "([x, y]) => [...document.getElementById('colours').getContext('2d').getImageData(x, y, 1, 1).data]", [x, y]
    )


def seen(page, x: float, y: float) -> np.ndarray:
    """R, G, B on the screen, at a place given in shares of the picture."""
    page.mouse.move(0, 0)
    screen = np.asarray(Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB"))
    return screen[int(y * screen.shape[0]), int(x * screen.shape[1])].astype(int)


def saved(page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_chosen_picture_comes_back_with_classes_shares_and_times(opened, server):
    page = opened()
    page.wait_for_selector("#model-facts:not(:empty)")
    assert page.inner_text("#model-name") == "streets"
    assert page.inner_text("#model-facts") == "version 1 · 4 classes · any input size · fp32 · ONNX Runtime 1.31"
    assert not page.is_visible("#model")
    with page.expect_file_chooser() as chooser:
        page.click("text=Choose a picture")
    chooser.value.set_files({"name": "street.png", "mimeType": "image/png", "buffer": grey()})
    page.wait_for_selector("#result:visible")
    assert server.asked == [("/some/prefix/models/streets/segment?output=png", "street.png", grey())]
    assert legend(page) == ["sky 50.0 %", "road 45.0 %", "car 5.0 %"]
    assert page.inner_text("#absent summary") == "1 not in this picture"
    assert drawn(page, 50, 60) == [*COLOUR["car"], 255]
    assert re.fullmatch(r"[\d.]+ m?s", page.inner_text("#total"))
    times = dict(zip(*(page.locator(f"#times {tag}").all_inner_texts() for tag in ("dt", "dd")), strict=True))
    assert times["running the model"] == "14 ms"
    assert "to the server and back" in times
    assert page.text_content("#done") == "Done. sky 50.0 %, road 45.0 %, car 5.0 %"
    assert page.locator("nav a").evaluate("link => link.href") == f"{server.url}docs"


@pytest.mark.parametrize(("event", "carrier"), [("drop", "dataTransfer"), ("paste", "clipboardData")])
def test_a_picture_is_dropped_or_pasted(opened, server, event, carrier):
    page = opened()
    arrive = """([event, carrier, text]) => {
        const data = new DataTransfer();
        if (text) data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "got.png"));
        else data.items.add("words", "text/plain");
        const kind = event === "drop" ? DragEvent : ClipboardEvent;
        document.body.dispatchEvent(new kind(event, { bubbles: true, cancelable: true, [carrier]: data }));
    }"""
    page.evaluate(arrive, [event, carrier, ""])
    assert page.is_visible("#message") == (event == "drop")  # text may be pasted into a field
    page.evaluate(arrive, [event, carrier, base64.b64encode(grey()).decode()])
    page.wait_for_selector("#result:visible")
    assert [name for _, name, _ in server.asked] == ["got.png"]
    assert not page.is_visible("#message")


def test_a_refusal_is_said_in_the_servers_words_or_in_plain_ones(opened, server):
    page = opened()
    server.refusals = [
        (415, {}, b'{"error": "notes.txt is not a picture.", "field": "image"}'),
        (413, {}, b"<html>a proxy's page</html>"),
    ]
    upload(page, name="notes.txt")
    page.wait_for_selector("text=notes.txt is not a picture.")
    assert not page.is_visible("#message button")  # the same file would be refused again
    upload(page)
    page.wait_for_selector("text=The picture is larger than this server takes.")
    segmented(page)
    assert not page.is_visible("#message")


def test_a_server_that_is_gone_is_tried_again_on_demand(opened, server):
    page = opened()
    page.route("**/segment*", lambda route: route.abort())
    upload(page)
    page.wait_for_selector("text=The server did not answer.")
    page.unroute("**/segment*")
    page.click("#message button")
    page.wait_for_selector("#result:visible")
    assert [name for _, name, _ in server.asked] == ["street.png"]


def test_a_key_is_asked_for_and_kept_for_the_tab(opened, server):
    server.key = "se(ret"
    page = opened()
    page.fill("#key", "wrong")
    page.press("#key", "Enter")
    page.wait_for_selector("text=It did not accept that key.")
    page.fill("#key", server.key)
    page.click("text=Use this key")
    page.wait_for_selector("#model-facts:not(:empty)")
    page.reload()
    segmented(page)
    assert '-H "Authorization: Bearer $API_KEY"' in page.inner_text("#curl")
    assert server.key not in page.content()

    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("text=This server needs an API key.")


def test_a_busy_server_is_asked_again_after_the_time_it_names(opened, server):
    page = opened()
    server.refusals = [(429, {"Retry-After": "1"}, b'{"error": "busy", "field": null}')]
    upload(page)
    page.wait_for_selector("text=The server is busy. Trying again in 1 s.")
    page.wait_for_selector("#result:visible")
    assert len(server.asked) == 1

    server.refusals = [(429, {"Retry-After": "60"}, b"{}")]
    upload(page)
    page.wait_for_selector("text=Trying again in 60 s.")
    page.click("#cancel")
    page.wait_for_selector("#progress", state="hidden")
    assert not page.is_visible("#message")


def test_opacity_goes_from_the_picture_to_the_colours(opened):
    page = opened()
    segmented(page)
    sky = np.array(COLOUR["sky"])
    for opacity, expected in ((0, GREY), (100, sky), (50, (sky + GREY) / 2)):
        page.locator("#opacity").fill(str(opacity))
        assert page.inner_text(".opacity output") == f"{opacity} %"
        np.testing.assert_allclose(seen(page, 0.5, 0.25), expected, atol=2)


def test_the_legend_picks_out_and_hides(opened):
    page = opened()
    segmented(page)
    page.click("#present .pick:has-text('sky')")
    assert page.get_attribute("#present .pick >> nth=0", "aria-pressed") == "true"
    assert drawn(page, 5, 5) == [*COLOUR["sky"], 255]
    assert drawn(page, 5, 75)[:3] == [0, 0, 0]
    page.press("[aria-label='Hide sky']", "Enter")
    assert drawn(page, 5, 5)[3] == 0
    assert drawn(page, 5, 75) == [*COLOUR["road"], 255]
    page.click("text=Show all")
    assert drawn(page, 5, 5) == [*COLOUR["sky"], 255]
    assert not page.is_visible("#show-all")


def test_a_pixel_is_named_by_pointer_and_keys_even_where_two_classes_share_a_colour(opened, server):
    server.label_of = lambda picture, name: np.where(halves(picture, name) == 0, 3, halves(picture, name))
    page = opened()
    segmented(page)
    box = page.locator("#stage").bounding_box()
    page.locator("#colours").hover(position={"x": 0.105 * box["width"], "y": 0.905 * box["height"]})
    assert page.inner_text("#tip") == "bus"
    assert page.inner_text("#says") == "bus, at column 10, row 72"
    assert "pointed" in page.get_attribute("#present li:has-text('bus')", "class")
    page.mouse.move(0, 0)
    assert not page.is_visible("#tip")

    page.press("#colours", "ArrowDown")
    assert page.inner_text("#tip") == "car"
    for _ in range(3):
        page.press("#colours", "ArrowUp")
    assert page.inner_text("#says") == "sky, at column 50, row 36"


def test_files_to_take_home(opened, server):
    page = opened()
    name, content = "it's, a street.jpg", grey(kind="JPEG")
    segmented(page, name=name, content=content)
    saved_as, labels = saved(page, "#save-labels")
    assert saved_as == "it's, a street.labels.png"
    np.testing.assert_array_equal(Image.open(io.BytesIO(labels)), halves(Image.open(io.BytesIO(content)), name))
    page.locator("#opacity").fill("100")
    _, overlay = saved(page, "#save-overlay")
    overlay = Image.open(io.BytesIO(overlay))
    assert overlay.size == (WIDTH, HEIGHT)
    assert overlay.convert("RGB").getpixel((50, 60)) == COLOUR["car"]
    saved_as, polygons = saved(page, "#save-polygons")
    assert saved_as == "it's, a street.polygons.json"
    assert json.loads(polygons) == {"width": WIDTH, "height": HEIGHT}

    assert (
        r"""curl -F 'image=@"it'\''s, a street.jpg"' -o 'it'\''s, a street.labels.png' """
        f'"{server.url}models/streets/segment?output=png"'
    ) in page.inner_text("#curl")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.text_content("#curl")


def test_another_model_sees_the_picture_too(opened, server):
    names = [(0, "ground", "#ff0000"), (1, "air", "#00ff00")]
    server.models = [model("streets"), model("two classes", names)]
    page = opened()
    segmented(page)
    with page.expect_response("**/models/two%20classes/segment?output=png"):
        page.select_option("#model", label="two classes")
    page.wait_for_selector("#present li:has-text('air')")
    assert legend(page) == ["air 50.0 %", "ground 45.0 %", "class 2 5.0 %"]


def test_the_webcam_runs_until_it_is_stopped_or_out_of_sight(opened, server):
    page = opened()
    page.click("#webcam")
    page.wait_for_selector("text=frames per second")
    frame = Image.open(io.BytesIO(server.asked[-1][2]))
    assert frame.format == "JPEG"
    assert frame.width == 640
    assert page.evaluate("document.getElementById('camera').srcObject.active")
    page.click("text=Stop the webcam")
    page.wait_for_selector("#progress", state="hidden")
    assert page.evaluate("document.getElementById('camera').srcObject") is None
    count = len(server.asked)
    page.wait_for_timeout(200)
    assert len(server.asked) <= count + 1  # one may have been on its way
    assert legend(page) == ["sky 50.0 %", "road 45.0 %", "car 5.0 %"]  # the last frame stays

    page.click("#webcam")
    page.wait_for_selector("text=frames per second")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    assert page.evaluate("document.getElementById('camera').srcObject") is None
    assert page.inner_text("#message p") == "The webcam was stopped because this page was out of sight."


def test_a_webcam_stopped_before_it_was_allowed_stays_off(opened, server):
    page = opened()
    page.evaluate("""() => {
        const devices = navigator.mediaDevices;
        const ask = devices.getUserMedia.bind(devices);
        devices.getUserMedia = async (wanted) => {
            await new Promise((resolve) => (window.allow = resolve));
            return (window.stream = await ask(wanted));
        };
    }""")
    page.click("#webcam")
    page.wait_for_function("() => window.allow !== undefined")
    page.click("text=Stop the webcam")
    page.evaluate("allow()")
    page.wait_for_function("() => window.stream?.active === false")
    assert server.asked == []
    assert not page.is_visible("#message")


def test_an_insecure_page_says_why_it_has_no_webcam(opened, address):
    page = opened(at=address.replace("127.0.0.1", INSECURE))
    assert not page.is_visible("#webcam")
    assert f"this one came over http from {INSECURE}" in page.inner_text("#no-webcam")
    segmented(page)
    page.click("#copy")  # without a clipboard, by selection
    page.wait_for_selector("text=Copied")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(opened, scheme):
    page = opened(390, color_scheme=scheme, has_touch=True, is_mobile=True)
    assert page.is_visible("#photo")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    segmented(page, name="a_very_long_name_of_a_picture_" * 4 + ".png")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(252, 251, 248)" if scheme == "light" else "rgb(21, 24, 27)")
    page.locator("#colours").tap(position={"x": 5, "y": 5})
    assert page.inner_text("#tip") == "sky"


def test_twelve_megapixels_are_shown(opened):
    page = opened()
    segmented(page, content=grey(4000, 3000, "JPEG"))
    assert legend(page) == ["sky 50.0 %", "road 45.0 %", "car 5.0 %"]
    page.press("#colours", "ArrowDown")
    assert page.inner_text("#says") == "car, at column 2000, row 1580"
    assert drawn(page, 1000, 1400) == [*COLOUR["car"], 255]  # drawn at half the size


def test_label_maps_are_read_exactly_whatever_the_file_is_like(opened):
    """Bits of 1, 2, 4 and 8 a pixel, with a palette or grey, and rows under each of the five filters."""
    page = opened()
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(37), np.arange(61)) % 256
    for classes, kind in ((2, "P"), (4, "P"), (16, "P"), (256, "P"), (256, "L")):
        for label in (rng.integers(0, classes, (37, 61)), ramp % classes):
            picture = Image.fromarray(label.astype(np.uint8), "L")
            if kind == "P":
                picture.putpalette(rng.integers(0, 256, 3 * classes).astype(np.uint8).tobytes())
            file = io.BytesIO()
            picture.save(file, "PNG")
            ids = page.evaluate(
                """async (text) => {
                    const { readLabelMap } = await import("./label_map.js");
                    const file = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
                    return [...(await readLabelMap(file)).ids];
                }""",
                base64.b64encode(file.getvalue()).decode(),
            )
            np.testing.assert_array_equal(np.reshape(ids, label.shape), label)
