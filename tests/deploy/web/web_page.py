"""deploy/web behind a server of its own, in a real browser."""

import base64
import importlib.util
import io
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from PIL import Image
from small_net import picture

from segwright.bundle import Preprocessing, file_hash

WEB = Path(__file__).parents[3] / "deploy" / "web"
CLASSES = ["sky", "road", "car", "tree"]
NORMALIZE = {"type": "Normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def png(image: np.ndarray, **options) -> bytes:
    """An array as a file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", **options)
    return file.getvalue()


def serve_script() -> ModuleType:
    """``deploy/web/serve.py`` as a module."""
    spec = importlib.util.spec_from_file_location("web_serve", WEB / "serve.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def web_server(models: Path, *, isolated: bool = True):
    """The address of ``deploy/web`` with ``models`` in it, with serve.py's headers or as any static server has it."""
    script = serve_script()

    class Handler(script.IsolatedHandler):
        def translate_path(self, path: str) -> str:
            inside = super().translate_path(path)
            below = Path(inside).relative_to(WEB)
            return str(models / Path(*below.parts[1:])) if below.parts[:1] == ("models",) else inside

        def end_headers(self) -> None:
            super().end_headers() if isolated else super(script.IsolatedHandler, self).end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=WEB))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


TO_BASE64 = """
    const encoded = (array) => {
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        let text = "";
        for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        return btoa(text);
    };
    const decoded = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
"""


def predicted(page, model: str, files: list[bytes], **options) -> list[np.ndarray]:
    """The label maps of picture files, from the library in the page; a refusal is an AssertionError with its words."""
    answer = page.evaluate(
        "async ([model, files, options]) => {"
        + TO_BASE64
        + """
        const { SegwrightError, load } = await import("/src/index.js");
        try {
            const predictor = await load(model, options);
            const results = await Promise.all(files.map((file) => predictor.predict(new Blob([decoded(file)]))));
            await predictor.release();
            return results.map(({ labelMap, width, height }) =>
                [labelMap.constructor.name, height, width, encoded(labelMap)]);
        } catch (error) {
            if (!(error instanceof SegwrightError)) throw error;
            return error.message;
        }
    }""",
        [model, [base64.b64encode(file).decode() for file in files], options],
    )
    assert not isinstance(answer, str), answer
    kinds = {"Uint8Array": np.uint8, "Int32Array": np.int32}
    return [
        np.frombuffer(base64.b64decode(data), kinds[kind]).reshape(height, width)
        for kind, height, width, data in answer
    ]


def prepared(page, prepare: Preprocessing, image: np.ndarray) -> np.ndarray:
    """(C, H, W) float32: what the page makes of an (H, W, 3) picture for the network."""
    height, width = image.shape[:2]
    opaque = np.full((height, width), 255, np.uint8)
    rgba = base64.b64encode(np.dstack([image, opaque]).tobytes()).decode()
    shape, data = page.evaluate(
        "async ([transforms, toRgb, channels, width, height, rgba]) => {"
        + TO_BASE64
        + """
        const { preprocessing } = await import("/src/preprocessing.js");
        const prepare = preprocessing({ transforms, toRgb, channels }, "deploy.yaml");
        const image = prepare({ width, height, data: decoded(rgba) });
        const values = Float32Array.from(image.planes.flatMap((plane) => [...plane]));
        return [[image.planes.length, image.height, image.width], encoded(values)];
    }""",
        [prepare.blocks, prepare.to_rgb, prepare.img_channels, width, height, rgba],
    )
    return np.frombuffer(base64.b64decode(data), np.float32).reshape(shape)


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
    """The words in which the library refuses a bundle, or a picture for it."""
    with pytest.raises(AssertionError) as caught:
        predicted(page, f"models/{model}", [file or png(picture(20, 20))], **options)
    return str(caught.value)
