"""How long a picture takes: decoding and transforms, the network, and the way back to the picture's size."""

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from segwright.bundle import label_map
from segwright.runtime.predictor import Predictor

STEPS = ("preprocess", "inference", "postprocess")
WARMUP = 5
MIN_RUNS, MAX_RUNS = 20, 200


@dataclass(frozen=True)
class Timing:
    """Milliseconds a batch."""

    mean: float
    p50: float
    p95: float


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """What was measured.

    Attributes:
        model_name: label of the model.
        batch_size: pictures a batch.
        runs: batches measured, after ``warmup`` others.
        warmup: batches that ran before.
        steps: timing of each of ``STEPS``, and of ``total``.
        images_per_second: pictures through all steps, one batch after the other.
        peak_memory_mb: most memory that the process has held, or None where the system does not tell.
        input_shapes: N, C, H, W of the batches, each once.
        environment: versions and hardware.
    """

    model_name: str
    batch_size: int
    runs: int
    warmup: int
    steps: dict[str, Timing]
    images_per_second: float
    peak_memory_mb: float | None
    input_shapes: list[list[int]]
    environment: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)


def benchmark(predictor: Predictor, paths: Sequence[Path], *, batch_size: int, model_name: str) -> Benchmark:
    """Time the predictor on pictures from disk. Writing of results is not part of it.

    Few pictures are taken in turns until there are enough runs for the percentiles to mean something,
    of many only the first are taken.
    """
    batches = [paths[start : start + batch_size] for start in range(0, len(paths), batch_size)]
    runs = min(max(len(batches), MIN_RUNS), MAX_RUNS)
    for index in range(WARMUP):
        run_batch(predictor, batches[index % len(batches)])
    timed = [run_batch(predictor, batches[index % len(batches)]) for index in range(runs)]
    seconds = np.array([times for times, _ in timed])  # (runs, steps)
    num_images = sum(len(batches[index % len(batches)]) for index in range(runs))
    columns = {**dict(zip(STEPS, seconds.T, strict=True)), "total": seconds.sum(axis=1)}
    return Benchmark(
        model_name=model_name,
        batch_size=batch_size,
        runs=runs,
        warmup=WARMUP,
        steps={name: _timing(column) for name, column in columns.items()},
        images_per_second=num_images / float(seconds.sum()),
        peak_memory_mb=peak_memory_mb(),
        input_shapes=[list(shape) for shape in sorted({shape for _, shapes in timed for shape in shapes})],
        environment=environment(predictor),
    )


def run_batch(predictor: Predictor, paths: Sequence[Path]) -> tuple[list[float], list[tuple[int, ...]]]:
    """Seconds for each step of one batch, and the shapes of the network's inputs."""
    clock = [perf_counter()]
    inputs = [predictor.prepare(path) for path in paths]
    clock.append(perf_counter())
    outputs = predictor.infer([item.tensor for item in inputs])
    clock.append(perf_counter())
    for output, item in zip(outputs, inputs, strict=True):
        label_map(output, item.geometry)
    clock.append(perf_counter())
    tensors = [item.tensor.shape for item in inputs]
    return list(np.diff(clock)), [(tensors.count(shape), *shape) for shape in set(tensors)]


def _timing(seconds: np.ndarray) -> Timing:
    p50, p95 = np.percentile(seconds * 1000, [50, 95])
    return Timing(mean=float(seconds.mean() * 1000), p50=float(p50), p95=float(p95))


def peak_memory_mb() -> float | None:
    """Most memory that this process has held, in MB; None on systems that do not count it (Windows)."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where getrusage begins with what the process held that started this one
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6 if "VmHWM" in lines else None
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def environment(predictor: Predictor) -> dict[str, Any]:
    """What the figures depend on beside the model."""
    options = predictor.options
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "cpu_threads": options.threads,
        "device": options.device,
        "precision": options.precision or predictor.manifest.precision,
        "engine": predictor.engine.title,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "exported_by": f"segwright {predictor.manifest.written_by}",
    }
