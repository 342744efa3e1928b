"""One trained model on everything that runs its exports: agreement with it, sizes, starts, times; one table.

The same pictures go, as PNG, through Python's engines, the C++ program and the page in a browser, each begun anew and
with the same number of threads. The exit code is 1 if one of them fails or gives other labels than the trained model,
and with --require also if one cannot run here.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import get_args

import torch

from benchmarks.measure import Watch, add_common, model_files, publish
from benchmarks.targets import cpp
from benchmarks.targets.browser import Browser
from benchmarks.targets.command import Command
from benchmarks.targets.reference import Reference
from benchmarks.targets.rows import TARGETS, Row, text
from benchmarks.targets.target import FailedError, Run, Target, UnavailableError
from benchmarks.worker import ROOT
from segwright import atomic
from segwright.build import load_config
from segwright.bundle import MANIFEST_NAME, Format, Manifest, Preprocessing
from segwright.cli.export import choose_transforms
from segwright.cli.main import parse
from segwright.cli.setup import build_model_with_weights
from segwright.errors import MissingExtraError, SegwrightError
from segwright.images import list_images, read_image, write_image
from segwright.types import Size
from segwright.version import __version__

DOCUMENT = ROOT / "docs" / "deployment.md"
FIXED: tuple[Format, ...] = ("executorch", "torch")
"""Formats that are exported for one size: ExecuTorch's wants that, and torch.export's else takes a minute to load."""


def main() -> int:
    """Export, run all targets in turns, write the table; the exit code says whether they agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="of the trained model")
    parser.add_argument("--model_path", type=Path, required=True, metavar="PATH", help="its weights or checkpoint")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="pictures, with sub-folders")
    parser.add_argument("--count", type=int, default=20, metavar="N", help="pictures to take, evenly spread")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS), help="what runs the exports")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each target, which take turns")
    parser.add_argument("--fixed", action="store_true", help="export every format for the pictures' size alone")
    parser.add_argument("--cpp_program", type=Path, metavar="FILE", help="segwright_infer; default: it is built")
    parser.add_argument("--require", action="store_true", help="what cannot run here is a failure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="gets the figures")
    add_common(parser, peer=False)
    parser.set_defaults(document=DOCUMENT)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pictures = collect(args.data, args.count, folder / "pictures")
        config = load_config(args.config)
        model = build_model_with_weights(config, args.model_path)
        reference = Reference.of(model, Preprocessing(choose_transforms(config)), pictures)
        fixed = get_args(Format) if args.fixed else FIXED
        export = cache(partial(exported, args.config, args.model_path, folder, reference.size, fixed))
        opener = partial(opened, export, folder, args.threads, args.cpp_program)
        targets, rows = open_all(args.targets, opener)
        with Watch() as watch:
            runs, failed = run_all(targets, pictures, args.rounds)
        rows |= failed
        for name, done in runs.items():
            rows[name] = summed_up(name, done, reference, export(TARGETS[name].file_format))
    ordered = [rows[name] for name in args.targets]
    machine = watch.describe([f"PyTorch {torch.__version__}", f"segwright {__version__}"])
    title = f"{type(model).__name__}, {args.threads} threads"
    publish(args.document, "everywhere", text(title, reference, ordered, machine))
    if args.json:
        figures = [asdict(row) for row in ordered]
        atomic.write_json(args.json, {"near": reference.near, "machine": machine, "rows": figures})
    return 0 if all(row.passed(require=args.require) for row in ordered) else 1


def collect(source: Path, count: int, folder: Path) -> list[Path]:
    """Pictures, evenly spread over those of a folder, as PNG: decoders of JPEG differ, and are not compared here."""
    found = list_images(source)
    count = min(count, len(found))
    paths = [folder / f"{number:03d}.png" for number in range(count)]
    for number, path in enumerate(paths):
        write_image(path, read_image(found[number * len(found) // count]))
    return paths


def exported(
    config: Path, model_path: Path, folder: Path, size: Size, fixed: Collection[Format], file_format: Format
) -> Path:
    """The folder that ``segwright export`` writes, for any size unless the format is among the ``fixed`` ones.

    Raises:
        SegwrightError: it does not.
    """
    bundle = folder / file_format
    flags = ["--config", config, "--model_path", model_path, "--format", file_format, "--save_dir", bundle]
    if file_format in fixed:
        flags += ["--input_shape", 1, 3, *size]
    command = parse(["export", *map(str, flags)])
    command.run(command)
    return bundle


def opened(export: Callable[[Format], Path], folder: Path, threads: int, cpp_program: Path | None, name: str) -> Target:
    """A target with its export.

    Raises:
        UnavailableError, MissingExtraError: it cannot run here.
        FailedError, SegwrightError: there is no export, or no program.
    """
    kind = TARGETS[name]
    if name == "web":
        Browser.require()
        return Browser(folder, export(kind.file_format), threads)
    infer = [cpp_program or cpp.built()] if name == "cpp" else [sys.executable, "-m", "segwright", "infer"]
    return Command([*infer, "--engine", kind.engine], export(kind.file_format), threads)


def open_all(names: Sequence[str], opener: Callable[[str], Target]) -> tuple[dict[str, Target], dict[str, Row]]:
    """The targets that can run, and rows of the others."""
    targets, rows = {}, {}
    for name in names:
        try:
            targets[name] = opener(name)
        except (UnavailableError, MissingExtraError) as error:
            rows[name] = Row(name, reason=str(error), missing=True)
        except (FailedError, SegwrightError) as error:
            rows[name] = Row(name, reason=str(error))
    return targets, rows


def run_all(
    targets: Mapping[str, Target], pictures: Sequence[Path], rounds: int
) -> tuple[dict[str, list[Run]], dict[str, Row]]:
    """Let targets take turns, several times around; what fails once is out."""
    runs: dict[str, list[Run]] = {name: [] for name in targets}
    failed: dict[str, Row] = {}
    for _ in range(rounds):
        for name in [name for name in runs if name not in failed]:
            try:
                runs[name].append(targets[name].run(pictures))
            except FailedError as error:
                failed[name] = Row(name, reason=str(error))
    return {name: done for name, done in runs.items() if name not in failed}, failed


def summed_up(name: str, runs: Sequence[Run], reference: Reference, bundle: Path) -> Row:
    """The row of a target; of its rounds, the one that agrees least counts."""
    files, size = model_files(bundle)
    takes = "this size" if min(Manifest.read(bundle / MANIFEST_NAME).input_shape[2:]) > 0 else "any size"
    return Row(
        target=name,
        engine=runs[0].engine,
        files=files,
        size=size,
        takes=takes,
        agreement=min((reference.compare(run.labels) for run in runs), key=lambda one: one.away),
        start=statistics.median(run.start for run in runs),
        milliseconds=statistics.median(run.milliseconds for run in runs),
    )


if __name__ == "__main__":
    sys.exit(main())
