"""What tests ask the library of deploy/web in a page."""

import base64
import io
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image
from small_net import picture

from benchmarks.targets.web import TO_BASE64, label_maps
from segwright.bundle import Preprocessing, file_hash

CLASSES = ["sky", "road", "car", "tree"]
NORMALIZE = {"type": "Normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def png(image: np.ndarray, **options) -> bytes:
    """An array as a file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", **options)
    return file.getvalue()


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
            return results.map(sent);
        } catch (error) {
            if (!(error instanceof SegwrightError)) throw error;
            return error.message;
        }
    }""",
        [model, [base64.b64encode(file).decode() for file in files], options],
    )
    assert not isinstance(answer, str), answer
    return label_maps(answer)


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
