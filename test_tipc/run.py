"""Run a chain: ``python -m test_tipc.run FILE MODE``. Exit code 0 if every command that can run here succeeded."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from segwright import atomic
from segwright.errors import SegwrightError
from test_tipc.benchmark import speed
from test_tipc.machine import this_machine
from test_tipc.params import ParamsError, read_params
from test_tipc.plan import plan
from test_tipc.step import Step, output_folder

SUCCESS, FAILURE, SKIPPED = "Run successfully with command - ", "Run failed with command - ", "Skipped, "
PLACES = (
    "save_dir",
    "export_save_dir",
    "export_model_path",
    "infer_save_dir",
)  # of which the chain takes the flags only
YELLOW, PLAIN = "\033[33m", "\033[0m"


class Results:
    """The log of what worked, a line a step, worded as in PaddleSeg; a table of the same for programs.

    Args:
        folder: gets results_python.log, to which chains append, and results_python.json.
        mode: of the chain.
    """

    def __init__(self, folder: Path, mode: str) -> None:
        self._log, self._table = folder / "results_python.log", folder / "results_python.json"
        self.entries: list[dict[str, object]] = []
        atomic.ensure_folder(folder)
        self._append(f"------------------------ {mode} ------------------------")

    def add(self, step: Step, status: str, seconds: float = 0, **more: object) -> None:
        """Note what became of a step: ``success``, ``failure`` or ``skipped``."""
        entry = {"status": status, "command": step.line, "log": str(step.log), "seconds": round(seconds, 1), **more}
        self.entries.append(entry)
        told = {"success": SUCCESS, "failure": FAILURE, "skipped": f"{SKIPPED}{step.skip} - "}[status]
        self._append(f"{YELLOW} {told}{step.line}!  {PLAIN}")
        atomic.write_json(self._table, self.entries)

    def count(self, status: str) -> int:
        """Steps of a status."""
        return sum(entry["status"] == status for entry in self.entries)

    def _append(self, line: str) -> None:
        print(line, flush=True)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def run_chain(steps: Sequence[Step], results: Results) -> None:
    """Run the steps in their order; what needs a step that failed has failed too."""
    failed: set[int] = set()
    for step in steps:
        if step.skip:
            results.add(step, "skipped")
            continue
        start = time.monotonic()
        if step.needs is not None and id(step.needs) in failed:
            step.log.write_text(f"not started: this failed before: {step.needs.line}\n", encoding="utf-8")
            code = 1
        else:
            code = _run(step)
        seconds = time.monotonic() - start
        if code != 0:
            failed.add(id(step))
            results.add(step, "failure", seconds, exit_code=code)
        elif step.warmup is None or step.fresh is None:
            results.add(step, "success", seconds)
        else:
            ips = speed(step.fresh, step.warmup)
            print(f"ips: {ips:.4f} samples/sec", flush=True)
            results.add(step, "success", seconds, ips=ips)


def _run(step: Step) -> int:
    """Run a command; what it says goes to the terminal and to the step's log."""
    print(f"\n$ {step.line}", flush=True)
    if step.fresh is not None:
        shutil.rmtree(step.fresh, ignore_errors=True)
    atomic.ensure_folder(step.log.parent)
    environment = {**os.environ, **step.environment}
    with (
        step.log.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            step.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
        ) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            print(line, end="", flush=True)
    return process.returncode


def main(arguments: Sequence[str]) -> int:
    """Plan and run a chain.

    Returns:
        0; 1 if a step failed or nothing could be run; 2 if the parameter file cannot be used.
    """
    try:
        if len(arguments) != 2:
            raise ParamsError("want two arguments: FILE MODE, as configs/psanet/train_infer_python.txt whole_infer")
        file, mode = Path(arguments[0]), arguments[1]
        params = read_params(file, mode)
        steps = plan(params, mode, this_machine())
    except SegwrightError as error:
        print(f"test_tipc: error: {error}", file=sys.stderr)
        return 2
    print(f"{params['python'].place}: commands run with {sys.executable}, which runs this chain")
    if "flags" in params and params["flags"].value and mode == "benchmark_train":
        print(f"{params['flags'].place}: flags of Paddle are not set, for nothing here reads them")
    for name in PLACES:
        if value := params[name].value:
            print(f"{params[name].place}: '{value}' is not used: results are in {output_folder(params)}")
    results = Results(output_folder(params), mode)
    run_chain(steps, results)
    succeeded, failed, skipped = (results.count(status) for status in ("success", "failure", "skipped"))
    print(f"{succeeded} commands succeeded, {failed} failed, {skipped} cannot run on this machine")
    if not succeeded and not failed:
        print(f"{params['gpu_list'].place}: nothing could be tested here; on the CPU, say gpu_list:-1", file=sys.stderr)
    return 0 if succeeded and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
