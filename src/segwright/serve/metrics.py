"""What operators watch, for Prometheus (https://prometheus.io/docs/practices/naming/)."""

import os
from pathlib import Path

import psutil
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32, 64)
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where the library adds up the numbers of several processes


class Metrics:
    """The server's numbers. With several worker processes any of them tells those of all."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Histogram(
            "segwright_request_seconds",
            "Time from a request's first byte to its answer's last",
            ("method", "route", "status"),
            buckets=SECONDS,
            registry=registry,
        )
        self.stage = Histogram(
            "segwright_stage_seconds",
            "Time of a picture in each stage",
            ("model", "stage"),
            buckets=SECONDS,
            registry=registry,
        )
        self.batch = Histogram(
            "segwright_batch_pictures",
            "Pictures in a run of the network",
            ("model",),
            buckets=BATCHES,
            registry=registry,
        )
        self.refused = Counter(
            "segwright_refused",
            "Requests refused because there was too much to do",
            ("model", "reason"),
            registry=registry,
        )
        self.failed_reloads = Counter(
            "segwright_failed_reloads", "New files of a model that could not be used", ("model",), registry=registry
        )
        self.working = Gauge(
            "segwright_pictures_accepted",
            "Pictures being worked on or waiting",
            ("model",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.waiting = Gauge(
            "segwright_queue_pictures",
            "Pictures that wait for the engine",
            ("model",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        if SHARED_FOLDER not in os.environ:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        registry = self._registry
        if SHARED_FOLDER in os.environ:
            _forget_the_dead(Path(os.environ[SHARED_FOLDER]))
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Take out what processes that ended without a word had in work."""
    for file in folder.glob("gauge_livesum_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid)
