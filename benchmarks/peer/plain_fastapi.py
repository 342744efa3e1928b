"""What many write first: FastAPI, one prediction a request, no batching. It runs the same predictor as ours."""

import argparse
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response, UploadFile

from segwright.images import encode_label_map, read_image
from segwright.runtime import EngineOptions, load

parser = argparse.ArgumentParser()
parser.add_argument("bundle", type=Path)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--cpu_threads", type=int, required=True)
args = parser.parse_args()

predictor = load(args.bundle, EngineOptions(cpu_threads=args.cpu_threads))
app = FastAPI()


@app.get("/health")
def health() -> dict[str, bool]:
    """Answered as soon as the server runs."""
    return {"live": True}


@app.post("/predict")
def predict(image: UploadFile) -> Response:
    """A picture in, its label map out; called in one of FastAPI's threads."""
    label = predictor(read_image(image.file.read()))
    return Response(encode_label_map(label, predictor.manifest.palette), media_type="image/png")


uvicorn.run(app, port=args.port, log_level="warning")
