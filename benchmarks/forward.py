"""Forward on one image: eager, exported on ONNX Runtime, and PaddleSeg's. All give logits at full size."""

import argparse
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.cases import CASES
from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.worker import Worker
from segwright.build import build_model
from segwright.export.deployed import Deployed
from segwright.export.onnx import write_onnx


def main() -> None:
    """Measure all in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    add_common(parser)
    add_turns(parser)
    args = parser.parse_args()

    case = CASES[args.case]
    setting = [args.case, "--threads", args.threads]
    ours, peer = "benchmarks.ours.forward", "benchmarks.peer.forward"
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "model.onnx"
        torch.manual_seed(0)
        model = build_model(case.model)
        write_onnx(Deployed(model, "none"), exported, case.forward)
        with (
            Watch() as watch,
            Worker(sys.executable, ours, setting, threads=args.threads) as eager,
            Worker(sys.executable, ours, [*setting, "--onnx", exported], threads=args.threads) as onnx,
            Worker(args.peer, peer, [args.case], threads=args.threads) as paddle,
        ):
            workers = {"segwright, eager": eager, "segwright, export on ONNX Runtime": onnx, "PaddleSeg": paddle}
            seconds = take_turns(workers, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats)
    title = f"image {'x'.join(map(str, case.forward))}, {case.num_classes} classes, {args.threads} threads"
    text = comparison(title, seconds, against="PaddleSeg")
    versions = [worker.versions for worker in workers.values()]
    publish(args.document, f"{args.case}_forward", f"{text}\n\n{watch.describe(versions)}")


if __name__ == "__main__":
    main()
