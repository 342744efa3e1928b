"""PaddleSeg's scripts as commands of segwright."""

import shlex
import sys

from test_tipc.params import Param, ParamsError

SCRIPTS = {
    "train.py": "train",
    "tools/train.py": "train",
    "val.py": "val",
    "tools/val.py": "val",
    "export.py": "export",
    "tools/export.py": "export",
    "deploy/python/infer.py": "infer",
}


def segwright(*words: str, processes: int = 1) -> list[str]:
    """``segwright`` with these words, run by the Python that runs the chain; under torchrun for several processes."""
    launch = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}"] if processes > 1 else []
    return [sys.executable, *launch, "-m", "segwright", *words]


def translate(line: Param, command: str) -> list[str]:
    """``tools/train.py --config x.yml`` as ``train --config x.yml``; ``segwright train ...`` is taken as well.

    Args:
        line: a line whose value is a command.
        command: the one of segwright that it has to be.

    Raises:
        ParamsError: it is another one, no script that segwright stands in for, or no command line at all.
    """
    try:
        script, *words = shlex.split(line.value)
    except ValueError as error:
        raise ParamsError(f"{line.place}: '{line.value}' is no command line ({error})") from error
    if script == "segwright" and words:
        found, *words = words
    else:
        found = SCRIPTS.get(script.removeprefix("./"), "")
    if found != command:
        known = [name for name, stands_for in SCRIPTS.items() if stands_for == command]
        raise ParamsError(
            f"{line.place}: '{script}' is not a script for this step; want {', '.join(known)} or segwright {command}"
        )
    return [command, *words]
