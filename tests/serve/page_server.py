"""A server on this machine that answers the web page as `segwright serve` does, with a label map made up."""

import email
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

import numpy as np
from PIL import Image

CLASSES = [(0, "road", "#804080"), (1, "sky", "#4682b4"), (2, "car", "#00008e"), (3, "bus", "#00008e")]
CONTENT_SECURITY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:"
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


def halves(picture: Image.Image, _name: str) -> np.ndarray:
    """Sky above, road below, a car in the middle tenth of the columns of the lower half."""
    width, height = picture.size
    label = np.ones((height, width), np.uint8)
    label[height // 2 :] = 0
    label[height // 2 :, int(0.45 * width) : int(0.55 * width)] = 2
    return label


class Handler(BaseHTTPRequestHandler):
    """Page, models and answers; ``server.refusals`` come first, one for each picture."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.removeprefix(self.server.prefix)
        if path == "models":
            if self._authorised():
                self._send(200, "application/json", json.dumps({"models": self.server.models}).encode())
        else:
            file = resources.files("segwright") / "serve" / "page" / (path.removeprefix("page/") or "index.html")
            self._send(200, TYPES[file.name.rpartition(".")[2]], file.read_bytes())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._authorised():
            return
        if self.server.refusals:
            status, headers, answer = self.server.refusals.pop(0)
            self._send(status, "application/json", answer, headers)
            return
        name, content = _field(self.headers["Content-Type"], body)
        self.server.asked.append((self.path, name, content))
        label = self.server.label_of(Image.open(io.BytesIO(content)), name)
        if self.path.endswith("output=json"):
            height, width = label.shape
            self._send(200, "application/json", json.dumps({"width": width, "height": height}).encode())
        else:
            timing = {"Server-Timing": "queue;dur=1.2, decode;dur=3.1, infer;dur=14.2, encode;dur=2.0"}
            self._send(200, "image/png", _indexed(label, self.server.models[0]["classes"]), timing)

    def _authorised(self) -> bool:
        key = self.server.key
        if key is None or self.headers["Authorization"] == f"Bearer {key}":
            return True
        self._send(401, "application/json", b'{"error": "This server wants an API key.", "field": null}')
        return False

    def _send(self, status: int, content_type: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": CONTENT_SECURITY,
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def page_server() -> Iterator[ThreadingHTTPServer]:
    """Serve the page under ``.url``, behind a prefix; the attributes below may be changed at any time."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.prefix = "/some/prefix/"
    server.url = f"http://127.0.0.1:{server.server_port}{server.prefix}"
    server.models = [model("streets")]
    server.label_of = halves
    server.key = None
    server.refusals = []  # (status, headers, body), each for one picture
    server.asked = []  # path, file name and content of each picture that was answered
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def model(name: str, classes: list[tuple[int, str, str]] = CLASSES) -> dict:
    """An entry of what ``GET models`` answers."""
    return {
        "name": name,
        "version": "1",
        "versions": ["1"],
        "classes": [{"id": number, "name": name, "color": color} for number, name, color in classes],
        "input": {"height": 512, "width": None},
        "precision": "fp32",
        "engine": "ONNX Runtime 1.31",
    }


def _field(content_type: str, body: bytes) -> tuple[str, bytes]:
    """File name and content of the field ``image``."""
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    (part,) = message.get_payload()
    assert part.get_param("name", header="Content-Disposition") == "image"
    return part.get_filename(), part.get_payload(decode=True)


def _indexed(label: np.ndarray, classes: list[dict]) -> bytes:
    picture = Image.fromarray(label)
    picture.putpalette([value for entry in classes for value in bytes.fromhex(entry["color"][1:])])
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
