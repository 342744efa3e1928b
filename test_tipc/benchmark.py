"""How fast training is: mode ``benchmark_train``."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean

from test_tipc.machine import Machine
from test_tipc.params import Param, ParamsError
from test_tipc.step import Params, Step
from test_tipc.training import places, train_step, trainers

EXTRAS = ("log_iters", "skip_iters", "repeats")


def benchmark_plan(params: Params, machine: Machine) -> list[Step]:
    """Two trainings for each device, trainer, batch size and precision: one with the profiler, one that is measured.

    Raises:
        ParamsError: there is no section train_benchmark_params, or a line makes no sense.
    """
    if "fp_items" not in params:
        raise ParamsError(f"{params['model_name'].place}: mode benchmark_train wants a section train_benchmark_params")
    extras = _extras(params.get("benchmark_extra"))
    warmup = int(extras.pop("skip_iters", "0"))
    profiler = params["profiler_options"]
    steps = []
    for place, trainer, batch_size, precision in product(
        places(params, machine),
        trainers(params),
        params["benchmark_batch_size"].choices,
        params["fp_items"].choices,
    ):
        numbers = {
            "iters": Param("--iters", params["benchmark_iters"].value, params["benchmark_iters"].place),
            "batch_size": Param("--batch_size", batch_size, params["benchmark_batch_size"].place),
            "train_extra": Param("null", "", profiler.place),
        }
        step = train_step({**params, **numbers}, trainer, place, precision)
        if step.fresh is None:  # no training of segwright's
            steps.append(step)
            continue
        more = [f"--{name}={value}" for name, value in extras.items()]
        named = Path(f"{step.fresh}_bs{batch_size}")
        measured = _renamed(replace(step, command=(*step.command, *more), warmup=warmup), named)
        if profiler.value and len(place.numbers) <= 1:
            skip = step.skip
            if "state=gpu" in profiler.value.lower() and not place.numbers:
                skip = skip or "the profiler is to look at a GPU, and this runs on the CPU"
            profiled = replace(step, command=(*step.command, *profiler.flag()), skip=skip)
            steps.append(_renamed(profiled, Path(f"{named}_profiling")))
        steps.append(measured)
    return steps


def speed(folder: Path, warmup: int) -> float:
    """Pictures a second, of all log lines of a run after so many iterations."""
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    records = [record for record in map(json.loads, lines) if record["event"] == "train"]
    measured = [record["ips"] for record in records if record["iter"] > warmup]
    return fmean(measured or [records[-1]["ips"]])


def _renamed(step: Step, folder: Path) -> Step:
    command = [word.replace(f"--save_dir={step.fresh}", f"--save_dir={folder}") for word in step.command]
    return replace(step, command=tuple(command), fresh=folder, log=folder.with_name(f"{folder.name}_train.log"))


def _extras(line: Param | None) -> dict[str, str]:
    """``log_iters:15;skip_iters:2;repeats:500``."""
    if line is None or line.key == "null":
        return {}
    pairs = [word.partition(":") for word in f"{line.key}:{line.value}".split(";")]
    for name, _, value in pairs:
        if name not in EXTRAS or not value.isdigit():
            raise ParamsError(f"{line.place}: '{name}:{value}'; want {', '.join(EXTRAS)} with whole numbers")
    return {name: value for name, _, value in pairs}
