"""What the tests of abuse share: a small server with short time-outs, and pictures with their right answers."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from small_net import picture, small_bundle

from benchmarks.server import Server
from campaigns.exchange import Answer, ask, request
from segwright.runtime import Predictor, load

MODEL = "free"  # takes pictures of any size
MIB = 1 << 20
FLAGS = "--max_body_mb 2 --read_timeout 3 --write_timeout 1 --answer_timeout 20 --queue_size 16 --drain_time 0.5"
GAUGES = ("segwright_pictures_accepted", "segwright_queue_pictures")


def export_free(folder: Path) -> Path:
    """A bundle of the small model for pictures of any size."""
    shape = (-1, 3, -1, -1)
    return small_bundle(folder / MODEL, transforms=[{"type": "Normalize"}], input_shape=shape)


@contextmanager
def abused_server(bundle: Path, *flags: object) -> Iterator[Server]:
    """A server that still answers in the end, and has never failed."""
    with Server.segwright(bundle, bundle.parent / "server.log", *FLAGS.split(), *flags) as server:
        yield server
    said = server.said()
    assert "Traceback" not in said
    assert " status=5" not in said.replace("path=/health/ready status=503", "")


def encoded(pixels: np.ndarray) -> bytes:
    """As PNG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def label_map(answer: Answer) -> np.ndarray:
    """The class ids of an answer."""
    return np.asarray(Image.open(io.BytesIO(answer.body)))


class Good:
    """Pictures of some sizes, requests for them, and the label maps that are right."""

    def __init__(self, bundle: Path, sizes: list[tuple[int, int]]) -> None:
        predictor: Predictor = load(bundle)
        pictures = [picture(height, width, seed) for seed, (height, width) in enumerate(sizes)]
        self.contents = [encoded(pixels) for pixels in pictures]
        self.requests = [segment(content) for content in self.contents]
        self.labels = [predictor(pixels) for pixels in pictures]

    def check(self, number: int, answer: Answer) -> None:
        """Fail unless this is the answer to the request of this number."""
        assert answer.status == 200, answer.body
        np.testing.assert_array_equal(label_map(answer), self.labels[number])


def segment(content: bytes, query: str = "", **headers: str) -> bytes:
    """The request for a picture's label map."""
    return request(f"/models/{MODEL}/segment{query}", content, {"Content-Type": "image/png", **headers})


def gauges(server: Server) -> dict[str, float]:
    """Pictures being worked on, and in the queue."""
    lines = ask(server.port, request("/metrics")).body.decode().splitlines()
    return {name: float(line.split()[1]) for name in GAUGES for line in lines if line.startswith(name + "{")}
