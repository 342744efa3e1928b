"""Requests that are wrong in some way, and what a server may say to them."""

import base64
import json
from dataclasses import dataclass

from campaigns.bombs import BOMBS, small_png
from campaigns.exchange import request

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Bad:
    """A request.

    Attributes:
        name: what is wrong with it.
        sent: its bytes.
        statuses: that are right answers.
        field: that the answer names, if any.
    """

    name: str
    sent: bytes
    statuses: tuple[int, ...] = (400,)
    field: str | None = None


def bad_requests(model: str) -> list[Bad]:
    """All of them, for a model that takes pictures of any size."""
    return [*_hub(f"/predict/{model}"), *_tensors(f"/v2/models/{model}/infer"), *_uploads(f"/models/{model}/segment")]


def infer_body(data: object, shape: list[object], datatype: str = "UINT8", **more: object) -> bytes:
    """The JSON of a KServe v2 request."""
    return json.dumps(
        {"inputs": [{"name": "image", "datatype": datatype, "shape": shape, "data": data}], **more}
    ).encode()


def _hub(path: str) -> list[Bad]:
    field = "img_b64"
    picture = base64.b64encode(small_png()).decode()
    bodies: dict[str, tuple[bytes, str | None]] = {
        "empty": (b"", None),
        "no JSON": (b"{img_b64}", None),
        "cut JSON": (b'{"img_b64": "AAAA', None),
        "no UTF-8": (b'{"img_b64": "\xff\xfe"}', None),
        "half a surrogate": (b'{"img_b64": "\\ud800"}', None),
        "a list": (b"[]", None),
        "NaN": (b"NaN", None),
        "NaN as picture": (b'{"img_b64": NaN}', field),
        "null": (b'{"img_b64": null}', field),
        "a number": (b'{"img_b64": 12}', field),
        "missing key": (b"{}", field),
        "no base64": (b'{"img_b64": "%%%"}', field),
        "base64 without its end": (json.dumps({field: picture[:-3]}).encode(), field),
        "a data: URL without base64": (b'{"img_b64": "data:image/png,abc"}', field),
        "empty picture": (b'{"img_b64": ""}', field),
        "a URL": (b'{"img_b64": "http://127.0.0.1:1/picture.png"}', field),
        "a path": (b'{"img_b64": "/etc/passwd"}', field),
        "lists in lists": (b'{"img_b64": ' + b"[" * 100_000, None),
    }
    found = [Bad(f"PaddleHub: {name}", request(path, body, JSON), (400,), at) for name, (body, at) in bodies.items()]
    text = json.dumps({field: base64.b64encode(b"<svg/>").decode()}).encode()
    many = b'{"img_b64": [' + b"[]," * 400_000 + b"[]]}"
    return [
        *found,
        Bad("PaddleHub: SVG", request(path, text, JSON), (415,), field),
        Bad("PaddleHub: 400,000 lists", request(path, many, JSON), (400,), field),
    ]


def _tensors(path: str) -> list[Bad]:
    shape, data = "inputs.0.shape", "inputs.0.data"
    bodies: dict[str, tuple[bytes, tuple[int, ...], str | None]] = {
        "no inputs": (b'{"inputs": []}', (400,), "inputs"),
        "300,000 empty inputs": (b'{"inputs": [' + b"{}," * 300_000 + b"{}]}", (400,), "inputs"),
        "a shape of words": (infer_body([1], ["x"] * 3), (400,), "inputs.0.shape.0"),
        "a shape of 100,000": (infer_body([1], [1] * 100_000), (400,), shape),
        "a shape below zero": (infer_body([1], [-5, 1, 1, 3]), (400,), shape),
        "a shape of none": (infer_body([], [0], "BYTES"), (400,), shape),
        "a huge shape": (infer_body([1], [1, 10**9, 10**9, 3]), (413,), shape),
        "a huger shape": (infer_body([1], [10**4000, 1, 1, 3]), (413,), None),
        "too few values": (infer_body([1, 2], [1, 1, 1, 3]), (400,), data),
        "half numbers": (infer_body([0.5, 1, 2], [1, 1, 1, 3]), (400,), data),
        "true and false": (infer_body([True, False, True], [1, 1, 1, 3]), (400,), data),
        "NaN": (infer_body([float("nan"), 1, 2], [1, 1, 1, 3]), (400,), data),
        "values above 255": (infer_body([256, 1, 2], [1, 1, 1, 3]), (400,), data),
        "values of 30 digits": (infer_body([10**30, 1, 2], [1, 1, 1, 3]), (400,), data),
        "one long text among 200,000": (infer_body(["a" * 300_000, *["b"] * 200_000], [1, 1, 1, 3]), (400,), data),
        "lists of unequal lengths": (infer_body([[1, 2], [3]], [1, 1, 1, 3]), (400,), data),
        "lists 100 deep": (infer_body(json.loads("[" * 100 + "1" + "]" * 100), [1, 1, 1, 3]), (400,), data),
        "FP32": (infer_body([0.5] * 3, [1, 1, 1, 3], "FP32"), (400,), "inputs.0.datatype"),
        "no base64": (infer_body(["%%"], [1], "BYTES"), (400,), data),
        "a strange output": (infer_body([1, 2, 3], [1, 1, 1, 3], outputs=[{"name": "x"}]), (400,), "outputs.0.name"),
    }
    return [Bad(f"KServe: {name}", request(path, body, JSON), *rest) for name, (body, *rest) in bodies.items()]


def _uploads(path: str) -> list[Bad]:
    form = {"Content-Type": "multipart/form-data; boundary=XX"}
    head = b'--XX\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    return [
        *(
            Bad(name, request(path, make(), {"Content-Type": "image/png"}), (413, 415), "image")
            for name, make in BOMBS.items()
        ),
        Bad("upload of nothing", request(path, b"", {"Content-Type": "image/png"}), (400,), "image"),
        Bad("upload of text", request(path, b"hello", {"Content-Type": "text/plain"}), (415,)),
        Bad("upload of no type", request(path, b"hello"), (415,)),
        Bad("form without a boundary", request(path, b"x", {"Content-Type": "multipart/form-data"})),
        Bad("form without an end", request(path, head + b"abc", form), (400,), "image"),
        Bad("form of headers", request(path, b"--XX\r\n" + b"a: b\r\n" * 100_000, form)),
        Bad("form of line breaks", request(path, head + b"\r" * 1_000_000 + b"\r\n--XX--\r\n", form), (415,), "image"),
        Bad(
            "form with another field",
            request(path, head.replace(b"image", b"x") + b"a\r\n--XX--\r\n", form),
            (400,),
            "image",
        ),
        Bad(
            "strange output",
            request(f"{path}?output=exe", small_png(), {"Content-Type": "image/png"}),
            (400,),
            "output",
        ),
    ]
