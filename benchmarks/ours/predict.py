"""``segwright predict`` over a folder of pictures, or a video, with what the command sets for its process."""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks.worker import serve


def main() -> None:
    """Prepare the model, then predict all pictures or frames when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a folder, or a video")
    parser.add_argument("model_path", type=Path)
    parser.add_argument("--count", type=int, help="pictures of the folder")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--precision", default="fp32")
    args = parser.parse_args()

    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    import torch

    import segwright.transforms as T
    from segwright.build import build_model
    from segwright.engine import predict
    from segwright.engine.inputs import VideoSource
    from segwright.engine.readers import keep_memory
    from segwright.engine.video_prediction import predict_video
    from segwright.version import __version__

    keep_memory()
    torch.set_num_threads(args.threads)
    model = build_model({"type": "BiSeNetV2", "num_classes": 11})
    images = sorted(args.data.glob("*.*"))[: args.count]

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            options = {"transforms": [T.Normalize()], "device": "cpu", "precision": args.precision, "save_dir": folder}
            if args.data.is_dir():
                predict(model, args.model_path, image_list=images, image_dir=args.data, **options)
            else:
                predict_video(model, args.model_path, source=VideoSource(args.data), **options)

    serve(run, f"segwright {__version__} on PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
