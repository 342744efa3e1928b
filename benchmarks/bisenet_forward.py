"""BiSeNetV2 forward on one image: eager, exported on ONNX Runtime, and PaddleSeg's. All give logits at full size."""

import argparse
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.worker import Worker
from segwright.build import build_model
from segwright.export.onnx import Deployed, write_onnx

SHAPE = (1, 3, 512, 1024)
NUM_CLASSES = 11


def main() -> None:
    """Measure all in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    add_turns(parser)
    args = parser.parse_args()

    setting = ["--shape", *SHAPE, "--num_classes", NUM_CLASSES]
    threads = ["--threads", args.threads]
    ours, peer = "benchmarks.ours.forward", "benchmarks.peer.forward"
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "model.onnx"
        torch.manual_seed(0)
        model = build_model({"type": "BiSeNetV2", "num_classes": NUM_CLASSES})
        write_onnx(Deployed(model, "none"), exported, SHAPE)
        with (
            Watch() as watch,
            Worker(sys.executable, ours, [*setting, *threads], threads=args.threads) as eager,
            Worker(sys.executable, ours, [*setting, *threads, "--onnx", exported], threads=args.threads) as onnx,
            Worker(args.peer, peer, setting, threads=args.threads) as paddle,
        ):
            workers = {"segwright, eager": eager, "segwright, export on ONNX Runtime": onnx, "PaddleSeg": paddle}
            seconds = take_turns(workers, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats)
    title = f"image {'x'.join(map(str, SHAPE))}, {NUM_CLASSES} classes, {args.threads} threads"
    text = comparison(title, seconds, against="PaddleSeg")
    versions = [worker.versions for worker in workers.values()]
    publish(args.document, "bisenet_forward", f"{text}\n\n{watch.describe(versions)}")


if __name__ == "__main__":
    main()
