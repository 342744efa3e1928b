"""A hundred iterations of BiSeNetV2 on real pictures: ``segwright train`` beside PaddleSeg's training."""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.measure import Watch, add_common, publish, table
from benchmarks.worker import ROOT, with_threads
from segwright.version import __version__

CONFIG = ROOT / "benchmarks" / "camvid.yml"
LOG_ITERS = 10  # both sides' default; a log line gives means over as many iterations
COSTS = re.compile(r"batch_cost: ([\d.]+), reader_cost: ([\d.]+)")


@dataclass(frozen=True)
class Run:
    """One training command.

    Attributes:
        command: from start to end, in seconds, imports and checkpoint included.
        batch_costs: seconds an iteration, a mean for each log line.
        reader_costs: of that, seconds spent waiting for data.
    """

    command: float
    batch_costs: list[float]
    reader_costs: list[float]

    @property
    def iterations(self) -> float:
        """Seconds of all iterations together."""
        return LOG_ITERS * sum(self.batch_costs)

    @property
    def waiting(self) -> float:
        """Share of the iterations spent waiting for data."""
        return sum(self.reader_costs) / sum(self.batch_costs)


def main() -> None:
    """Run the commands one after the other, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_common(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="CamVid: pictures, labels, train.txt")
    parser.add_argument("--iters", type=int, default=100, metavar="N", help=f"iterations, a multiple of {LOG_ITERS}")
    args = parser.parse_args()
    if args.iters % LOG_ITERS:
        parser.error(f"--iters is a multiple of {LOG_ITERS}, got {args.iters}")

    ours, peer = [sys.executable, "-m", "segwright", "train"], [args.peer, "-m", "benchmarks.peer.train"]
    data = args.data.resolve()
    setting = ["--config", CONFIG, "--iters", args.iters]
    place = ["--opts", f"train_dataset.dataset_root={data}", f"train_dataset.train_path={data / 'train.txt'}"]
    commands = {
        "segwright": ours,
        "PaddleSeg": peer,  # whose own default is no reader process
        "segwright --num_workers 0": [*ours, "--num_workers", 0],
    }
    with Watch() as watch:
        runs = {name: timed([*command, *setting, *place], threads=args.threads) for name, command in commands.items()}
    slow = runs["PaddleSeg"]
    rows = [
        [
            name,
            f"{run.iterations:.1f} s",
            f"{slow.iterations / run.iterations:.1f} x",
            f"{run.waiting:.1%}",
            f"{run.command:.1f} s",
            f"{slow.command / run.command:.1f} x",
        ]
        for name, run in runs.items()
    ]
    head = [f"{args.iters} iterations, {args.threads} threads", "iterations", "faster", "waiting for data"]
    text = table([*head, "whole command", "faster"], rows)
    publish(args.document, "bisenet_100_iterations", f"{text}\n\n{watch.describe(versions(args.peer))}")


def timed(command: Sequence[object], *, threads: int) -> Run:
    """Run one training command in a folder of its own and read its log.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [*map(str, command), "--save_dir", folder],
            cwd=ROOT,
            env=with_threads(threads),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - start
    costs = [(float(batch), float(reader)) for batch, reader in COSTS.findall(done.stdout)]
    if done.returncode or not costs:
        raise RuntimeError(f"{command} ended with exit code {done.returncode}:\n{done.stdout[-3000:]}")
    return Run(seconds, [batch for batch, _ in costs], [reader for _, reader in costs])


def versions(peer: str) -> list[str]:
    """Of the libraries on both sides."""
    theirs = "from benchmarks.peer import paddle3; print(paddle3.prepare())"
    done = subprocess.run([peer, "-c", theirs], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [f"segwright {__version__} on PyTorch {torch.__version__}", done.stdout.splitlines()[-1]]


if __name__ == "__main__":
    main()
