"""The program of ``deploy/cpp``: compiled where it is not up to date."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

from benchmarks.targets.target import FailedError, UnavailableError
from benchmarks.worker import ROOT

SOURCE = ROOT / "deploy" / "cpp"
RELEASE = ROOT / ".cache" / "deploy_cpp_release"


def configure(source: Path, folder: Path, *options: str) -> None:
    """Run CMake.

    Raises:
        UnavailableError: a tool or a package is missing.
        FailedError: something else is wrong.
    """
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            raise UnavailableError(f"{tool} is not installed")
    if find_spec("openvino") is None:
        raise UnavailableError("openvino is not installed")
    from openvino.utils import get_cmake_path

    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    command = ["cmake", "-S", source, "-B", folder, *generator, f"-DOpenVINO_DIR={get_cmake_path()}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "Could NOT find" in done.stderr:
        raise UnavailableError(" ".join(done.stderr.split("Could NOT find", 1)[1].split())[:200] + " is missing")
    if done.returncode:
        raise FailedError(done.stderr)


def build(folder: Path) -> None:
    """Compile what is not up to date.

    Raises:
        FailedError: the compiler says no.
    """
    command = ["cmake", "--build", folder, "--parallel", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    if done.returncode:
        raise FailedError(done.stdout[-4000:] + done.stderr[-2000:])


def built(folder: Path = RELEASE, *options: str) -> Path:
    """The program, up to date; of two processes that want it, the second waits.

    Args:
        folder: what is built into.
        options: for CMake; by default it builds for speed.

    Raises:
        as ``configure`` and ``build``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        configure(SOURCE, folder, *options)
        build(folder)
    return folder / "segwright_infer"
