"""Pictures, requests for their label maps, and the label maps that are right."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from campaigns.exchange import Answer, request
from segwright.runtime import load

SIZES = [(48, 64), (33, 47), (96, 96), (48, 65), (240, 320), (600, 800)]  # height and width


class Pictures:
    """Some pictures of different sizes, as a bundle's predictor sees them.

    Attributes:
        requests: one for each.
    """

    def __init__(self, bundle: Path) -> None:
        predictor, rng = load(bundle), np.random.default_rng(0)
        self.requests, self._labels = [], []
        for size in SIZES:
            pixels = np.repeat(rng.integers(0, 256, (size[0], 1, 3), dtype=np.uint8), size[1], axis=1)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            sent = request(f"/models/{bundle.name}/segment", file.getvalue(), {"Content-Type": "image/png"})
            self.requests.append(sent)
            self._labels.append(predictor(pixels))

    def is_right(self, number: int, answer: Answer) -> bool:
        """Whether this is the label map of the picture of this number."""
        return np.array_equal(np.asarray(Image.open(io.BytesIO(answer.body))), self._labels[number])
