"""The programs of deploy/edge: run as processes, and their modules imported as they import each other."""

import os
import subprocess
import sys
from pathlib import Path

EDGE = Path(__file__).parents[2] / "deploy" / "edge"
sys.path.insert(0, str(EDGE))

ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


def run(program: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program; it must end with ``code``, and never with a traceback."""
    done = subprocess.run(command(program, *arguments), capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def command(program: str, *arguments: object) -> list[str]:
    """The words that start a program."""
    return [sys.executable, str(EDGE / program), *map(str, arguments)]
