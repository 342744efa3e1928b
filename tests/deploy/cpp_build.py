"""The C++ program as the tests use it: built once, with AddressSanitizer and UndefinedBehaviorSanitizer."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from filelock import FileLock

from segwright.runtime import EngineOptions

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "deploy" / "cpp"
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


def configure(source: Path, build: Path, *options: str) -> None:
    """Run CMake; skip the test where a package is missing."""
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    from openvino.utils import get_cmake_path

    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    command = ["cmake", "-S", source, "-B", build, *generator, f"-DOpenVINO_DIR={get_cmake_path()}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Could NOT find" in done.stderr:
        pytest.skip(" ".join(done.stderr.split("Could NOT find", 1)[1].split())[:200] + " is missing")
    assert done.returncode == 0, done.stderr


def build(folder: Path) -> None:
    """Compile what is not up to date."""
    done = subprocess.run(
        ["cmake", "--build", folder, "--parallel", "2"], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def built() -> Path:
    """The program; any warning of the compiler is an error."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with FileLock(BUILD.with_suffix(".lock")):
        flags = "-DCMAKE_CXX_FLAGS=-O0 -g1 -Werror"
        configure(SOURCE, BUILD, "-DCMAKE_BUILD_TYPE=None", flags, "-DSEGWRIGHT_SANITIZE=address,undefined")
        build(BUILD)
    return BUILD / "segwright_infer"


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
