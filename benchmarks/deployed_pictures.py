"""``segwright infer`` beside PaddleSeg's deployment: real pictures, from their files to label maps as PNG.

Whole commands are measured from start to end, and then the same work without the start, by workers that take turns.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.cases import CASES
from benchmarks.deployed import export_peer
from benchmarks.measure import PAUSE, Watch, add_common, publish, quartiles, table, take_turns
from benchmarks.worker import ROOT, Worker, with_threads
from segwright.build import build_model
from segwright.export import export_model
from segwright.images import list_images, read_label
from segwright.weights import load_weights

CASE = "bisenet"
OURS, PEER = "segwright infer", "PaddleSeg"


@dataclass(frozen=True)
class Side:
    """A command and a worker that does the same but for the start, as for ``python -m``, and the flags of both."""

    python: str
    command: Sequence[str]
    worker: Sequence[str]
    flags: Sequence[object]

    def start(self, threads: int) -> Worker:
        """The worker, running."""
        module, *more = self.worker
        return Worker(self.python, module, [*more, *self.flags], threads=threads)

    def timed(self, threads: int) -> float:
        """Seconds of the command, from start to end."""
        command = [self.python, "-m", *self.command, *map(str, self.flags)]
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, env=with_threads(threads), stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start


def main() -> None:
    """Export on both sides, measure all in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="pictures, with sub-folders")
    parser.add_argument(
        "--model_path", type=Path, required=True, metavar="FILE", help=".pdparams of BiSeNetV2 with 11 classes"
    )
    parser.add_argument("--ours_int8", type=Path, metavar="BUNDLE", help="an export of int8 to add, for any size")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="pictures to predict in a run")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each side")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "pictures").mkdir()
        images = list_images(args.data)[: args.count]
        for image in images:
            shutil.copy(image, folder / "pictures")
        export_both(args.model_path, args.peer, folder)
        sides = sides_in(folder, args.peer, args.threads, args.ours_int8)
        with Watch() as watch:
            commands = time_commands(sides, rounds=args.rounds, threads=args.threads)
            with ExitStack() as stack:
                workers = {name: stack.enter_context(side.start(args.threads)) for name, side in sides.items()}
                seconds = take_turns(workers, rounds=args.rounds, repeats=1, warmup=1)
        same = agreement(folder / OURS, folder / PEER)
    text = rates(f"{len(images)} pictures, {args.threads} threads", seconds, commands, len(images))
    below = f"The label maps of {OURS} and {PEER} agree in {same:.3%} of all pixels."
    versions = dict.fromkeys(worker.versions for worker in workers.values())
    publish(args.document, "deployed_pictures", f"{text}\n\n{below}\n\n{watch.describe(list(versions))}")


def export_both(model_path: Path, peer: str, folder: Path) -> None:
    """Both sides' exports with their defaults, for pictures of any size, as ``ours`` and ``peer``."""
    case = CASES[CASE]
    model = build_model(case.model)
    load_weights(model, model_path)
    export_model(model, folder / "ours", transforms=[{"type": "Normalize"}], num_classes=case.num_classes)
    export_peer(peer, CASE, model_path, folder / "peer")


def sides_in(folder: Path, peer: str, threads: int, int8: Path | None) -> dict[str, Side]:
    """The sides by name; each writes into the folder of its name."""

    def flags(name: str, bundle: Path, *more: str) -> list[object]:
        way = ["--image_path", folder / "pictures", "--save_dir", folder / name]
        return ["--config", bundle / "deploy.yaml", *way, "--cpu_threads", threads, *more]

    def ours(*more: str, bundle: Path = folder / "ours") -> dict[str, Side]:
        name = " ".join([OURS, *more])
        return {
            name: Side(sys.executable, ["segwright", "infer"], ["benchmarks.ours.infer"], flags(name, bundle, *more))
        }

    program, openvino = "benchmarks.peer.infer", ["--engine", "openvino"]
    return {
        **ours(),
        **ours(*openvino),
        **ours(*openvino, "--precision", "bf16"),
        **(ours(*openvino, "--precision", "int8", bundle=int8.resolve()) if int8 else {}),
        PEER: Side(peer, [program], [program, "--serve"], flags(PEER, folder / "peer")),
    }


def time_commands(sides: Mapping[str, Side], *, rounds: int, threads: int) -> dict[str, list[float]]:
    """Seconds of the whole commands, which take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            time.sleep(PAUSE)
            seconds[name].append(side.timed(threads))
    return seconds


def agreement(one: Path, other: Path) -> float:
    """Share of pixels that have the same label in two folders of label maps with the same names.

    Raises:
        ValueError: the names differ.
    """
    names = sorted(path.name for path in one.glob("*.png"))
    if not names or names != sorted(path.name for path in other.glob("*.png")):
        raise ValueError(f"{one} and {other} do not hold label maps of the same pictures")
    return float(np.mean([(read_label(one / name) == read_label(other / name)).mean() for name in names]))


def rates(
    title: str, seconds: Mapping[str, Sequence[float]], commands: Mapping[str, Sequence[float]], count: int
) -> str:
    """Pictures a second without the start, whole commands, and how many times faster than PaddleSeg both are."""
    slow, slow_command = statistics.median(seconds[PEER]), statistics.median(commands[PEER])
    rows = []
    for name, times in seconds.items():
        first, median, third = quartiles(times)
        spread = f"{count / third:.1f} to {count / first:.1f}"
        command = statistics.median(commands[name])
        rate, gain = f"{count / median:.1f}", f"{slow / median:.1f} x"
        rows.append([name, rate, spread, gain, f"{command:.1f} s", f"{slow_command / command:.1f} x"])
    return table([title, "pictures/s", "middle half", "faster", "whole command", "faster"], rows)


if __name__ == "__main__":
    main()
