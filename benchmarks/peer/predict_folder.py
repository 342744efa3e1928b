"""PaddleSeg's predict over a folder of pictures."""

import argparse
import tempfile
from pathlib import Path

import paddleseg.transforms as T
from paddleseg.core import predict

from benchmarks.peer import paddle3
from benchmarks.peer.build import build_model
from benchmarks.worker import serve


def main() -> None:
    """Prepare the model, then predict all pictures when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("model_path", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()

    versions = paddle3.prepare()
    model = build_model({"type": "BiSeNetV2", "num_classes": 11})
    images = sorted(str(path) for path in args.data.iterdir() if path.is_file())[: args.count]

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            predict(
                model,
                model_path=str(args.model_path),
                transforms=T.Compose([T.Normalize()]),
                image_list=images,
                image_dir=str(args.data),
                save_dir=folder,
            )

    serve(run, versions)


if __name__ == "__main__":
    main()
