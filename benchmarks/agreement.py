"""Trained models beside their exports, on real pictures, in every format and on every engine that is installed."""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from benchmarks.measure import add_common, model_files, publish, table
from benchmarks.worker import ROOT
from segwright.build import load_config
from segwright.bundle import Format, Preprocessing, Shape
from segwright.cli.setup import build_model_with_weights
from segwright.errors import SegwrightError
from segwright.export.deployed import Deployed
from segwright.export.formats import WRITERS
from segwright.export.verify import Case, Verification, verify
from segwright.images import read_image
from segwright.runtime.engines import engines_for
from segwright.types import Size

DOCUMENT = ROOT / "docs" / "deployment.md"
STREETS = "tiny/cityscapes/leftImg8bit/val/*/*.png"


@dataclass(frozen=True)
class System:
    """A configuration, a pattern of the real pictures that it is tried on, and the size they are brought to."""

    title: str
    config: str
    pictures: str
    size: Size


SYSTEMS = {
    "disc": System(
        "BiSeNetV2, optic disc",
        "bisenet/bisenet_optic_disc_512x512_1k.yml",
        "optic_disc/JPEGImages/*.jpg",
        Size(512, 512),
    ),
    "lraspp": System(
        "LRASPP, Cityscapes",
        "lraspp/lraspp_mobilenetv3_cityscapes_1024x512_80k.yml",
        STREETS,
        Size(512, 1024),
    ),
    "lraspp_large_kernel": System(
        "LRASPP with a 49x49 pooling window, Cityscapes",
        "lraspp/lraspp_mobilenetv3_cityscapes_1024x512_80k_large_kernel.yml",
        STREETS,
        Size(512, 1024),
    ),
    "lraspp_os32": System(
        "LRASPP at stride 32, Cityscapes",
        "lraspp/lraspp_mobilenetv3_cityscapes_1024x512_80k_os32.yml",
        STREETS,
        Size(512, 1024),
    ),
    "mscale_ocrnet": System(
        "Multi-scale OCRNet on HRNet-W48 with polarized self-attention, Cityscapes",
        "mscale_ocrnet/mscale_ocrnet_hrnetv2_psa_cityscapes_1024x2048_150k.yml",
        STREETS,
        Size(256, 512),
    ),
    "road": System("BiSeNetV2, road", "bisenet/bisenet_road_416x416_6k.yml", "road/images/val/*.jpg", Size(416, 416)),
}


def main() -> None:
    """Export and compare each system, and write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "runs", nargs="+", type=_run, metavar="SYSTEM=CHECKPOINT", help=f"trained weights of {', '.join(SYSTEMS)}"
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds optic_disc, tiny and road")
    parser.add_argument("--count", type=int, default=5, metavar="N", help="pictures that are compared")
    parser.add_argument("--formats", nargs="+", choices=get_args(Format), default=get_args(Format), help="to export to")
    parser.add_argument("--fixed", action="store_true", help="export for the pictures' size only, which is faster")
    add_common(parser, peer=False)
    parser.set_defaults(document=DOCUMENT)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    for name, checkpoint in args.runs:
        text = agreement(SYSTEMS[name], checkpoint, args.data, args.count, args.formats, fixed=args.fixed)
        publish(args.document, f"agreement_{name}", text)


def agreement(
    system: System, checkpoint: Path, data: Path, count: int, formats: Sequence[Format], *, fixed: bool = False
) -> str:
    """The table of one system, and a sentence on what was compared."""
    config = load_config(ROOT / "configs" / system.config)
    model = Deployed(build_model_with_weights(config, checkpoint), "argmax")
    transforms = (config.section("val_dataset") or {})["transforms"]
    normalise = [transform for transform in transforms if transform["type"] == "Normalize"]
    prepare = Preprocessing([{"type": "Resize", "target_size": [system.size.width, system.size.height]}, *normalise])
    paths = sorted(data.glob(system.pictures))[:count]
    if not paths:
        raise SegwrightError(f"there are no pictures {data / system.pictures}")
    tensors = [prepare(read_image(path)).tensor for path in paths]

    cases = [Case.of(model, tensor[None]) for tensor in tensors]
    shapes: dict[Shape, Sequence[Case]] = {(1, 3, *system.size): cases}
    if not fixed:
        odd = Case.of(model, np.stack(tensors[:2])[:, :, 1:, 1:])
        shapes = {(-1, 3, -1, -1): [*cases, odd], **shapes}
    rows = [row for file_format in formats for row in _rows(model, file_format, shapes)]
    predicted = len(np.unique([case.output for case in cases]))
    return (
        f"**{system.title}**: {len(cases)} pictures of {system.size.width}x{system.size.height}, on which the model "
        f"{_training(checkpoint)} predicts {predicted} of {cases[0].logits.shape[1]} classes, with logits up to "
        f"{max(np.abs(case.logits).max() for case in cases):.0f}.\n\n"
        + table(["file", "size", "takes", "engine", "equal labels", "near-ties", "largest logit difference"], rows)
    )


def _rows(model: Deployed, file_format: Format, shapes: dict[Shape, Sequence[Case]]) -> list[tuple[str, ...]]:
    """A row for each installed engine, of a file for the first of the shapes that can be."""
    failure = ""
    for shape, given in shapes.items():
        try:
            return list(_compared(model, file_format, shape, given))
        except SegwrightError as error:
            failure = str(error)
    return [(file_format, "", "", failure, "", "", "")]


def _compared(model: Deployed, file_format: Format, shape: Shape, cases: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scratch:
        written = WRITERS[file_format](model, Path(folder), Path(scratch), shape)
        names, megabytes = model_files(Path(folder))
        takes = "any size" if shape[2] < 0 else "this size"
        for engine, module in engines_for(file_format).items():
            if module.is_installed():
                found = verify(written, file_format, "fp32", cases, engine)
                yield names, megabytes, takes, found.engine, *_figures(found)


def _figures(found: Verification) -> tuple[str, str, str]:
    """Equal labels with near-ties counted, too; near-ties; the largest difference of a logit."""
    pixels = sum(one.label.size for one in found.inputs)
    equal = sum(int((one.label == one.expected).sum()) for one in found.inputs)
    return f"{equal} of {pixels} ({equal / pixels:.4%})", str(found.ties), f"{found.logit_difference:.1e}"


def _training(checkpoint: Path) -> str:
    """How far the weights were trained, where the checkpoint says so."""
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    record = folder / "metrics.json"
    if not record.exists():
        return f"of {checkpoint.name}"
    metrics = json.loads(record.read_text(encoding="utf-8"))
    return f"after {metrics['iter']} iterations (mIoU {metrics['mIoU']:.3f} on {metrics['images']} pictures)"


def _run(text: str) -> tuple[str, Path]:
    name, _, checkpoint = text.partition("=")
    if name not in SYSTEMS or not checkpoint:
        raise argparse.ArgumentTypeError(f"want SYSTEM=CHECKPOINT, with one of {', '.join(SYSTEMS)}; got '{text}'")
    return name, Path(checkpoint)


if __name__ == "__main__":
    main()
