"""LitServe (https://github.com/Lightning-AI/LitServe) with its own batching. It runs the same predictor as ours."""

import argparse
from pathlib import Path

import litserve
import numpy as np
from fastapi import Request, Response

from segwright.images import encode_label_map, read_image
from segwright.runtime import EngineOptions, load


class Segmentation(litserve.LitAPI):
    """A picture in, its label map out."""

    def __init__(self, bundle: Path, cpu_threads: int, **batching: float) -> None:
        super().__init__(**batching)
        self.bundle, self.cpu_threads = bundle, cpu_threads

    def setup(self, device: str) -> None:  # noqa: ARG002
        """Open the model, in the process that runs it."""
        self.predictor = load(self.bundle, EngineOptions(cpu_threads=self.cpu_threads))

    def decode_request(self, request: Request) -> np.ndarray:
        """The picture of a form."""
        return read_image(request["image"].file.read())

    def batch(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """As they are: the predictor stacks what has one size."""
        return inputs

    def predict(self, pictures: list[np.ndarray]) -> list[np.ndarray]:
        """Label maps."""
        return self.predictor.predict_batch(pictures)

    def unbatch(self, output: list[np.ndarray]) -> list[np.ndarray]:
        """As they are."""
        return output

    def encode_response(self, output: np.ndarray) -> Response:
        """As PNG."""
        return Response(encode_label_map(output, self.predictor.manifest.palette), media_type="image/png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cpu_threads", type=int, required=True)
    parser.add_argument("--batch_size", type=int, required=True)
    args = parser.parse_args()
    api = Segmentation(args.bundle, args.cpu_threads, max_batch_size=args.batch_size, batch_timeout=0.005)
    server = litserve.LitServer(api, accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=args.port, generate_client_file=False, log_level="warning")
