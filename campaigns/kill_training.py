"""Kill a training run again and again, let it go on each time, and see that nothing was lost.

A small run is trained without interruption. Then the same run is killed at random moments, with SIGKILL or SIGTERM, the
trainer alone or with its readers, and resumed with ``--resume_model auto``, until it has finished; as many such runs
follow one another as it takes to kill the wanted number of times. After each kill the run's folder is looked at; each
finished run is compared with the uninterrupted one.
"""

import argparse
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.measure import cores, processor, publish
from benchmarks.worker import ROOT
from campaigns.blows import END, START, Blow, Rhythm, blows, iteration_reached, phase
from campaigns.comparison import differences
from campaigns.evidence import Found, look
from campaigns.life import Life
from campaigns.small_training import SmallTraining
from campaigns.summary import Kill, Outcome
from segwright.version import __version__

DOCUMENT = ROOT / "docs" / "reliability.md"


def main() -> int:
    """Run the campaign and write its summary; 1 if something was damaged, lost, or not equal."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.kill_training", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="kills in all; default: 50")
    parser.add_argument("--iters", type=int, default=240, metavar="N", help="iterations of each run; default: 240")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="reader processes; default: 2")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="decides moments and kinds of kill; default: 0"
    )
    parser.add_argument(
        "--save_dir",
        type=Path,
        metavar="DIR",
        help="gets the runs; default: a temporary folder, kept if anything is wrong",
    )
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE", help="gets the summary")
    args = parser.parse_args()
    if args.save_dir and args.save_dir.exists():
        parser.error(f"{args.save_dir} exists; name a new folder")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # not without the run that is under way
    folder = args.save_dir or Path(tempfile.mkdtemp(prefix="kill_training_"))
    start = time.monotonic()
    outcome = campaign(SmallTraining(folder.resolve(), args.iters, args.workers), blows(args.seed), args.kills)
    minutes = (time.monotonic() - start) / 60
    machine = (
        f"{processor()}, {cores()} cores; Python {sys.version.split()[0]}, segwright {__version__} on PyTorch "
        f"{torch.__version__}; {minutes:.0f} minutes."
    )
    publish(args.document, "kill_training", f"{outcome.describe()}\n\n{machine}")
    if outcome.wrong:
        print(f"the runs are in {folder}")
    elif not args.save_dir:
        shutil.rmtree(folder)
    return int(bool(outcome.wrong))


def campaign(training: SmallTraining, plan: Iterator[Blow], kills: int) -> Outcome:
    """Train once in peace, and then again and again until as many lives as wanted were ended by force.

    Args:
        training: what is trained, in a folder that is empty or not there.
        plan: blows, more than are wanted, for some come too late.
        kills: how many are wanted.

    Raises:
        RuntimeError: a life ended by itself before it had trained to the end; with what it said last.
    """
    training.prepare()
    reference = training.folder / "reference"
    rhythm = undisturbed(training, reference)
    print(f"uninterrupted: {rhythm}", flush=True)
    outcome = Outcome(training.iters)
    while len(outcome.kills) < kills:
        save_dir = training.folder / f"run_{len(outcome.runs) + 1}"
        for kill in disturbed(training, save_dir, rhythm, plan, kills - len(outcome.kills)):
            outcome.kills.append(kill)
            print(f"kill {len(outcome.kills)}: {kill}", flush=True)
        outcome.runs.append(differences(save_dir, reference))
        print(f"{save_dir.name} is finished: {outcome.runs[-1] or 'equal'}", flush=True)
    return outcome


def undisturbed(training: SmallTraining, save_dir: Path) -> Rhythm:
    """Train to the end, and note how long things take."""
    with Life(training, save_dir, output=save_dir.with_suffix(".log")) as life:
        life.wait(lambda: "[TRAIN]" in life.said(), at_most=float("inf"), pause=0.02)
        startup = life.seconds
        finish(life)
        return Rhythm.of(save_dir, startup, life.seconds)


def disturbed(
    training: SmallTraining, save_dir: Path, rhythm: Rhythm, plan: Iterator[Blow], at_most: int
) -> Iterator[Kill]:
    """Train to the end in as many lives as it takes, each of the first ``at_most`` killed; the kills, one by one."""
    found = Found()
    for number in range(at_most):
        with Life(training, save_dir, output=save_dir.with_suffix(f".{number}.log")) as life:
            blow = next(plan)
            if not blow.wait(life, training, rhythm):
                finish(life)
                return
            doing = phase(life, training)
            code, orphans = life.send(blow.number, alone=blow.alone)
            if code == 0:  # the blow came too late
                return
            if blow.number == signal.SIGKILL:  # after SIGTERM a life goes on until it has saved
                doing = phase(life, training)
            before, found, reached = found, look(save_dir, training, found), iteration_reached(life)
            wrong = [*found.wrong, *went_on(life, before), *ended(blow, code, doing, saved=found.newest >= reached)]
            wrong += [f"{name} outlived the trainer" for name in orphans]
            if doing != START:
                wrong += [f"{name}, which an earlier life left, is still there" for name in life.not_removed()]
            yield Kill(blow, doing, max(0, reached - found.newest), tuple(wrong))
    with Life(training, save_dir, output=save_dir.with_suffix(f".{at_most}.log")) as life:
        finish(life)


def went_on(life: Life, before: Found) -> list[str]:
    """What is wrong with where a life began, if it came so far."""
    resumed = re.findall(r"Resumed from .* at iteration (\d+)", life.said())
    if not iteration_reached(life) or resumed == [str(before.newest)] * bool(before.newest):
        return []
    return [
        f"it went on at iteration {', '.join(resumed) or 1}, but iter_{before.newest} was the newest whole checkpoint"
    ]


def ended(blow: Blow, code: int, doing: str, *, saved: bool) -> list[str]:
    """What is wrong with how a life ended: SIGTERM is to be obeyed as soon as there is something to save."""
    if blow.number == signal.SIGKILL:
        return [] if code == -signal.SIGKILL else [f"it ended with exit code {code} before it was killed"]
    polite = 128 + signal.SIGTERM
    if doing in (START, END):
        return [] if code in (polite, -signal.SIGTERM) else [f"SIGTERM gave the exit code {code}"]
    wrong = [] if code == polite else [f"SIGTERM gave the exit code {code}, not {polite}"]
    return wrong if saved else [*wrong, "SIGTERM ended training without a checkpoint"]


def finish(life: Life) -> None:
    """Wait for a life to end by itself.

    Raises:
        RuntimeError: it failed.
    """
    if code := life.process.wait():
        raise RuntimeError(f"a run that nobody killed ended with exit code {code}:\n{life.said()[-3000:]}")


if __name__ == "__main__":
    sys.exit(main())
