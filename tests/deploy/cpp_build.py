"""The C++ program as the tests use it: built once, with AddressSanitizer and UndefinedBehaviorSanitizer."""

import os
import subprocess
from pathlib import Path

from benchmarks.targets import cpp
from benchmarks.worker import ROOT
from segwright.runtime import EngineOptions

BUILD = ROOT / ".cache" / "deploy_cpp"

OPENVINO = EngineOptions(engine="openvino", cpu_threads=1)
"""How Python runs what the program runs."""

# OpenVINO is not instrumented, and clean but for what leaks.supp names. Its TBB loads a helper with RTLD_DEEPBIND,
# which AddressSanitizer does not allow; TBB's own switch leaves that out.
ENVIRONMENT = {
    **os.environ,
    "TBB_ENABLE_SANITIZERS": "1",
    "ASAN_OPTIONS": "detect_leaks=1",
    "LSAN_OPTIONS": f"suppressions={Path(__file__).with_name('leaks.supp')}:print_suppressions=0",
    "LC_ALL": "C.UTF-8",
}


def built() -> Path:
    """The program; any warning of the compiler is an error."""
    flags = "-DCMAKE_CXX_FLAGS=-O0 -g1 -Werror"
    return cpp.built(BUILD, "-DCMAKE_BUILD_TYPE=None", flags, "-DSEGWRIGHT_SANITIZE=address,undefined")


def run(program: Path, *arguments: object, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run the program; it must end with ``code`` (None: done, or with an error told), and in any case cleanly."""
    command = [str(word) for word in (program, *arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=300)
    assert "Sanitizer" not in done.stderr, done.stderr
    assert "runtime error" not in done.stderr, done.stderr
    assert done.returncode in ((0, 2) if code is None else (code,)), (done.returncode, done.stdout, done.stderr)
    assert (done.returncode == 2) == ("segwright_infer: error:" in done.stderr), done.stderr
    return done


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The error as one line."""
    return " ".join(done.stderr.split("segwright_infer: error:", 1)[1].split())
