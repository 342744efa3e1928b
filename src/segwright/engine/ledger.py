"""The ledger: where a run's numbers come from, as plain data that every checkpoint carries.

``segwright why`` compares the ledgers of two runs.
"""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import torch

from segwright.datasets.digest import DataDigest, changes, read_listing
from segwright.version import __version__

PACKAGES = ("torch", "numpy", "pillow", "accelerate", "safetensors", "pydantic", "pyyaml", "triton", "webdataset")
"""Distributions that have a hand in the numbers, where installed; OpenCV, which goes by several names, apart."""

VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "KMP_AFFINITY",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NCCL_ALGO",
    "NCCL_PROTO",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "ONEDNN_MAX_CPU_ISA",
    "PYTORCH_CUDA_ALLOC_CONF",
)
"""Environment variables that change how torch computes."""

GIT_SECONDS = 5.0  # for one answer of git, which a network disk may hold up


def facts(
    *,
    settings: Mapping[str, Any],
    config: Mapping[str, Any] | None,
    device: torch.device,
    data: Mapping[str, DataDigest],
    num_processes: int = 1,
) -> dict[str, Any]:
    """Everything a run's numbers depend on, at this moment and in this process; plain data, ready for JSON.

    Args:
        settings: what must be equal for a run to be resumed: seed, iterations, batch size, configuration as given, ...
        config: the merged configuration with every default spelled out; None if there is none.
        device: what this process computes on.
        data: digests of the data sets by use, such as ``{"train": ..., "val": ...}``.
        num_processes: processes that train together.
    """
    return {
        "settings": dict(settings),
        "config": dict(config) if config is not None else None,
        "data": {use: {"digest": digest.value, "pairs": len(digest.contents)} for use, digest in data.items()},
        "code": _code(),
        "packages": _packages(),
        "devices": _devices(device, num_processes),
        "host": {
            "name": platform.node(),
            "os": platform.platform(),
            "cpu": _cpu_name(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        },
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(sys.orig_argv),
        "folder": str(Path.cwd()),
    }


def data_changes(save_dir: Path, recorded: Mapping[str, Any], data: Mapping[str, DataDigest]) -> list[str]:
    """How today's data sets differ from those of a checkpoint, a sentence for each of the first few files.

    Args:
        save_dir: folder of the run that wrote the checkpoint, which lists its files.
        recorded: ``facts(...)["data"]`` as the checkpoint has it; a use that it does not record is passed over.
        data: today's digests by use.
    """
    rows = []
    for use, digest in data.items():
        before = recorded.get(use)
        if before is None or before["digest"] == digest.value:
            continue
        listing = read_listing(save_dir, before["digest"])
        if listing is None:
            pairs = f"{before['pairs']} pairs then, {len(digest.contents)} now"
            rows.append(f"{use} data: {pairs}; {save_dir} does not list the files as they were")
        else:
            rows += [f"{use} data: {row}" for row in changes(listing, digest)]
    return rows


def _code() -> dict[str, Any]:
    """The package's version, a digest of its source files, and the commit if it runs from a git checkout."""
    folder = Path(__file__).parents[1]
    source = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        source.update(f"{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
    tracked = _git(folder, "ls-files", "--error-unmatch", "version.py") is not None  # not one that .gitignore names
    changed = _git(folder, "status", "--porcelain", "--", ".") if tracked else None
    return {
        "version": __version__,
        "source": source.hexdigest()[:12],
        "commit": _git(folder, "rev-parse", "HEAD") if tracked else None,
        "dirty": None if changed is None else bool(changed),
    }


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers; None if it is not there or refuses."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _packages() -> dict[str, str]:
    found = {"python": platform.python_version(), "opencv": cv2.__version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _devices(device: torch.device, num_processes: int) -> dict[str, Any]:
    """The device of this process, and what decides in which order and precision it adds."""
    found = {
        "type": device.type,
        "processes": num_processes,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }
    if device.type == "cuda":
        found |= {
            "name": torch.cuda.get_device_name(device),
            "visible": torch.cuda.device_count(),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "tf32": _tf32(),
        }
    return found


def _tf32() -> bool:
    """Whether float32 products may be rounded to TF32."""
    matmul = torch.backends.cuda.matmul
    precision = getattr(
        matmul, "fp32_precision", None
    )  # torch 2.9 and later; the older flag may refuse to answer there
    return matmul.allow_tf32 if precision is None else precision == "tf32"


def _cpu_name() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
