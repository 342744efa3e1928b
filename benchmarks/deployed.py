"""Exported models, the same weights on both sides: our engines beside Paddle Inference with oneDNN.

What is measured is the network's run, from one picture as its input to labels. Both sides export for this size alone.
Where no weights are given, random ones are taken, and the batch norms get the picture's statistics, so that labels vary
and their agreement says something.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.cases import CASES, Case
from benchmarks.measure import Watch, add_common, add_turns, comparison, publish, take_turns
from benchmarks.worker import ROOT, Worker
from segwright.build import build_model
from segwright.bundle import MANIFEST_NAME, Manifest, Preprocessing
from segwright.export import export_model
from segwright.images import read_image
from segwright.runtime.engines import engines_for
from segwright.weights import load_weights, save_pdparams

PEER, PEER_BF16 = "Paddle Inference", "Paddle Inference, bf16"
LIBRARIES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


@dataclass(frozen=True)
class Side:
    """A worker that runs one export: its interpreter, module, folder of the export, and further flags."""

    python: str
    module: str
    bundle: Path
    flags: Sequence[str] = ()


def main() -> None:
    """Export on both sides, measure all in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    add_common(parser)
    add_turns(parser)
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="is resized to the input's size")
    parser.add_argument("--model_path", type=Path, metavar="FILE", help="weights; default: random ones")
    parser.add_argument("--num_classes", type=int, metavar="N", help="that the weights tell apart; default: the case's")
    parser.add_argument("--size", type=int, nargs=2, default=[512, 1024], metavar=("H", "W"), help="of the input")
    parser.add_argument(
        "--ours_int8", type=Path, nargs="+", default=[], metavar="BUNDLE", help="exports of int8 to add, for this size"
    )
    args = parser.parse_args()

    case, shape = CASES[args.case].with_classes(args.num_classes), (1, 3, *args.size)
    transforms = [{"type": "Resize", "target_size": args.size[::-1]}, {"type": "Normalize"}]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        image = Preprocessing(transforms)(read_image(args.picture)).tensor[None]
        np.save(folder / "image.npy", image)
        model = weighted(case, args.model_path, torch.from_numpy(image))
        export_model(model, folder / "ours", transforms=transforms, num_classes=case.num_classes, input_shape=shape)
        save_pdparams(model, folder / "model.pdparams")
        fixed = ["--input_shape", *map(str, shape), "--num_classes", str(case.num_classes)]
        export_peer(args.peer, args.case, folder / "model.pdparams", folder / "peer", *fixed)
        sides = {
            **our_sides(folder / "ours", args.ours_int8),
            PEER: Side(args.peer, "benchmarks.peer.deployed", folder / "peer"),
            PEER_BF16: Side(args.peer, "benchmarks.peer.deployed", folder / "peer", ["--bf16"]),
        }
        with Watch() as watch, ExitStack() as stack:
            workers = start(sides, folder, args.threads, stack)
            seconds = take_turns(workers, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats)
        labels = {name: np.load(labels_of(name, folder)) for name in workers}
    title = f"image {'x'.join(map(str, shape))}, {case.num_classes} classes, {args.threads} threads"
    same = {name: f"{(label == labels[PEER]).mean():.2%}" for name, label in labels.items()}
    text = comparison(title, seconds, against=PEER, column=("same labels", same))
    if PEER_BF16 not in workers:
        text += "\n\nPaddle Inference stops with an error when it is to run this model in bf16."
    versions = dict.fromkeys(worker.versions for worker in workers.values())
    publish(args.document, f"{args.case}_deployed", f"{text}\n\n{watch.describe(list(versions))}")


def weighted(case: Case, model_path: Path | None, image: torch.Tensor) -> nn.Module:
    """The model with weights from a file, or with random ones and the statistics of the picture and its mirror."""
    torch.manual_seed(0)
    model = build_model(case.model)
    if model_path:
        load_weights(model, model_path)
        return model.eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(torch.cat([image, image.flip(3)]))
    return model.eval()


def export_peer(python: str, case: str, weights: Path, folder: Path, *flags: str) -> None:
    """PaddleSeg's export of a case with these weights, for pictures of any size unless ``flags`` say otherwise."""
    paths = ["--model_path", str(weights.resolve()), "--save_dir", str(folder)]
    subprocess.run(
        [python, "-m", "benchmarks.peer.export", case, *paths, *flags], cwd=ROOT, stdout=sys.stderr, check=True
    )


def our_sides(exported: Path, int8: Sequence[Path]) -> dict[str, Side]:
    """The float export on each engine and rounded to bfloat16, and exports of int8 on the engines that read them."""

    def side(bundle: Path, engine: str, *flags: str) -> Side:
        return Side(sys.executable, "benchmarks.ours.deployed", bundle, ["--engine", engine, *flags])

    sides = {f"segwright, {library}": side(exported, engine) for engine, library in LIBRARIES.items()}
    sides["segwright, OpenVINO, bf16"] = side(exported, "openvino", "--precision", "bf16")
    for bundle in int8:
        manifest = Manifest.read(bundle / MANIFEST_NAME)
        for engine in engines_for(manifest.format):
            name = f"segwright, {LIBRARIES[engine]}, {manifest.precision} as {manifest.format}"
            sides[name] = side(bundle.resolve(), engine)
    return sides


def start(sides: Mapping[str, Side], folder: Path, threads: int, stack: ExitStack) -> dict[str, Worker]:
    """The workers, but for PaddleSeg's in bfloat16 where that is beyond it.

    Raises:
        RuntimeError: another does not start.
    """
    workers = {}
    for name, side in sides.items():
        arguments = [side.bundle, folder / "image.npy", labels_of(name, folder), "--threads", threads, *side.flags]
        try:
            workers[name] = stack.enter_context(Worker(side.python, side.module, arguments, threads=threads))
        except RuntimeError:
            if name != PEER_BF16:
                raise
    return workers


def labels_of(name: str, folder: Path) -> Path:
    """Where a worker writes the labels that it gives the picture."""
    return folder / f"{name}.npy"


if __name__ == "__main__":
    main()
