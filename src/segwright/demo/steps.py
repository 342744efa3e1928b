"""Running the real commands, each in a process of its own, as a person would type them."""

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence

from segwright.errors import SegwrightError
from segwright.report import Command


class StepFailedError(SegwrightError):
    """A command of the demo ended with an error of its own, which stands above."""


def run_step(purpose: str, words: Sequence[object]) -> Command:
    """Print a ``segwright`` command, run it with its output going where ours goes, and time it.

    Raises:
        StepFailedError: it ended with another exit code than 0.
    """
    arguments = [str(word) for word in words]
    line = shlex.join(["segwright", *arguments])
    print(f"\n{purpose}\n$ {line}", flush=True)
    start = time.perf_counter()
    code = subprocess.run([sys.executable, "-m", "segwright", *arguments], check=False).returncode
    if code != 0:
        raise StepFailedError(f"the demo stops here: '{line}' ended with exit code {code}; what it said stands above")
    return Command(line=line, purpose=purpose, seconds=time.perf_counter() - start)
