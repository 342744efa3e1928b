"""What the road model takes on a small device, in every format: bytes on the disk, memory, and time for a picture.

Each export is run by the programs of deploy/edge, as on the device. Memory is the most that a process holds which
predicts one picture; beside it stands what the libraries alone take.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Watch, add_common, add_turns, publish, table, take_turns
from benchmarks.worker import ROOT, Worker, with_threads
from segwright.bundle import MANIFEST_NAME, Manifest
from segwright.images import list_images

DOCUMENT = ROOT / "docs" / "deployment.md"
CONFIG = ROOT / "configs" / "bisenet" / "bisenet_road_416x416_6k.yml"
PROGRAMS = ROOT / "deploy" / "edge"
SHAPE = (1, 3, 416, 416)
THREADS = (1, 2)
LIBRARIES = {
    "onnxruntime": "import onnxruntime",
    "openvino": "import openvino",
    "executorch": "import torch; from executorch.extension.pybindings import _portable_lib",
}


@dataclass(frozen=True)
class Target:
    """A file, and what runs it."""

    format: str
    precision: str
    engine: str

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.format}_{self.precision}"


TARGETS = (
    *(Target("onnx", precision, "onnxruntime") for precision in ("fp32", "fp16", "int8")),
    *(Target("openvino", precision, "openvino") for precision in ("fp32", "fp16", "int8")),
    *(Target("executorch", precision, "executorch") for precision in ("fp32", "int8")),
)


def main() -> None:
    """Export, measure all in turns, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="holds road, as the configuration says")
    parser.add_argument("--model_path", type=Path, required=True, metavar="FILE", help="trained weights")
    parser.add_argument(
        "--exports", type=Path, metavar="DIR", help="keep the exports here, and take those that are; default: nowhere"
    )
    add_common(parser, peer=False)
    add_turns(parser)
    parser.set_defaults(document=DOCUMENT)
    args = parser.parse_args()

    road = args.data.resolve() / "road"
    picture = list_images(road / "images" / "val")[0]
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.exports or Path(scratch)).resolve()
        for target in TARGETS:
            if not (folder / target.name / MANIFEST_NAME).exists():
                export(target, road, args.model_path.resolve(), folder / target.name)
        with Watch() as watch, ExitStack() as stack:
            started = workers(folder, picture, stack)
            seconds = take_turns(started, rounds=args.rounds, repeats=args.repeats, warmup=args.repeats)
        rows = [row(target, folder / target.name, picture, seconds) for target in TARGETS]
    head = ["format", "precision", "engine", "size", "mIoU lost", "memory", "libraries alone"]
    times = [f"ms, {threads} thread{'s' if threads > 1 else ''}" for threads in THREADS]
    versions = list(dict.fromkeys(worker.versions for worker in started.values()))
    publish(args.document, "edge", f"{table([*head, *times], rows)}\n\n{watch.describe(versions)}")


def export(target: Target, road: Path, weights: Path, folder: Path) -> None:
    """``segwright export``, as a user calls it; int8 says what it lost, whatever that is."""
    flags = ["--config", CONFIG, "--model_path", weights, "--save_dir", folder, "--format", target.format]
    flags += ["--precision", target.precision, "--input_shape", *SHAPE, "--verify_dataset"]
    if target.precision == "int8":
        flags += ["--max_miou_loss", "2"]
    flags += ["--opts", *(f"{part}_dataset.dataset_root={road}" for part in ("train", "val"))]
    subprocess.run([sys.executable, "-m", "segwright", "export", *map(str, flags)], stdout=sys.stderr, check=True)


def workers(folder: Path, picture: Path, stack: ExitStack) -> dict[str, Worker]:
    """One for each target and number of threads, started one after the other."""
    started = {}
    for target in TARGETS:
        for threads in THREADS:
            arguments = [folder / target.name, picture, "--engine", target.engine, "--threads", threads]
            worker = Worker(sys.executable, "benchmarks.ours.edge", arguments, threads=threads)
            started[f"{target.name} {threads}"] = stack.enter_context(worker)
    return started


def row(target: Target, folder: Path, picture: Path, seconds: dict[str, list[float]]) -> list[str]:
    """The cells of a target."""
    manifest = Manifest.read(folder / MANIFEST_NAME)
    size = sum(file.stat().st_size for file in folder.glob("model.*"))
    words = ["pictures.py", "--config", folder, "--image_path", picture, "--threads", 1, "--engine", target.engine]
    words += ["--save_dir", folder / "labels"]
    program = f"import runpy; sys.argv = {list(map(str, words))}; runpy.run_module('pictures', run_name='__main__')"
    memory, alone = peak(program), peak(f"import segmenter, picture_files; {LIBRARIES[target.engine]}")
    lost = f"{round(100 * (manifest.miou_loss or 0), 2) + 0.0:.2f} points"  # not -0.00
    times = [f"{1000 * statistics.median(seconds[f'{target.name} {threads}']):.0f}" for threads in THREADS]
    megabytes = [f"{size / 1e6:.2f} MB", lost, f"{memory / 1e6:.0f} MB", f"{alone / 1e6:.0f} MB"]
    return [target.format, target.precision, target.engine, *megabytes, *times]


def peak(code: str) -> int:
    """Most memory, in bytes, that a Python program of deploy/edge has held at once.

    It is asked of the program: what ``getrusage`` tells of a child includes this process, which it was copied from.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    head = (
        f"import atexit, pathlib, re, sys; sys.path.insert(0, {str(PROGRAMS)!r})\n"
        "status = pathlib.Path('/proc/self/status')\n"
        "atexit.register(lambda: print(re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1]))\n"
    )
    command = [sys.executable, "-c", head + code]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=with_threads(1))
    return int(done.stdout.split()[-1]) * 1024


if __name__ == "__main__":
    main()
