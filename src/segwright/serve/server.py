"""The server process, or processes: sockets, signals, logs. uvicorn does the work."""

import math
import os
import socket
import tempfile
from dataclasses import replace
from functools import partial
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from segwright.errors import ConfigError
from segwright.serve.app import create_app
from segwright.serve.metrics import SHARED_FOLDER, Metrics
from segwright.serve.models import Models
from segwright.serve.options import ServeOptions
from segwright.serve.protocol import MAX_HEADERS, PatientProtocol, ServeConfig
from segwright.serve.urls import announcement

KEEP_ALIVE = 15  # seconds that an idle connection stays open


def serve(options: ServeOptions) -> None:
    """Open the models, tell where they are, and answer until a signal ends it.

    Raises:
        SegwrightError: a model cannot be opened, or the port cannot be used.
    """
    listener = listen(options.host, options.port)
    with listener, tempfile.TemporaryDirectory(prefix="segwright-metrics-") as shared:
        if options.workers > 1:
            os.environ[SHARED_FOLDER] = shared
            options = _shared_cores(options)
        models = Models(options, Metrics())
        app = create_app(options, models)
        for line in announcement(models, options.host, listener.getsockname()[1]):
            print(line, flush=True)
        if options.workers > 1:
            del models, app  # each process opens its own; here they were only tried
            Multiprocess(_config(options, partial(create_app, options), factory=True), [listener]).run()
        else:
            uvicorn.Server(_config(options, app)).run([listener])


def _shared_cores(options: ServeOptions) -> ServeOptions:
    """Each process gets its part of the cores, unless the user has said how many threads."""
    if options.runtime.cpu_threads:
        return options
    threads = max(1, (os.cpu_count() or 1) // options.workers)
    return replace(options, runtime=replace(options.runtime, cpu_threads=threads))


def _config(options: ServeOptions, app: Any, *, factory: bool = False) -> ServeConfig:
    config = ServeConfig(
        app,
        factory=factory,
        http=PatientProtocol,
        loop="asyncio",
        ws="none",
        lifespan="on",
        workers=options.workers,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(options.answer_timeout),
        h11_max_incomplete_event_size=MAX_HEADERS,
        access_log=False,
        log_config=log_config(options),
        server_header=False,
        timeout_worker_healthcheck=60,
    )
    config.options = options
    return config


def listen(host: str, port: int) -> socket.socket:
    """A socket at this address, which nobody can connect to before it listens.

    Raises:
        ConfigError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By this number asyncio knows TCP, and sends what is ready at once instead of waiting 40 ms for more (RFC 896).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host} port {port}: {getattr(error, 'strerror', None) or error}. If another server has "
            "the port, stop that or choose another with --port (0 takes any free one)"
        ) from error
    listener.set_inheritable(True)
    return listener


def log_config(options: ServeOptions) -> dict[str, Any]:
    """How a process logs, for ``logging.config.dictConfig``."""
    ours = {"handlers": ["lines"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "segwright.serve.access.AccessFormatter", "style": options.log_format}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stdout"}},
        "loggers": {
            "segwright.access": ours,
            "segwright.serve": ours,
            "uvicorn": {"handlers": ["lines"], "level": "WARNING", "propagate": False},
        },
    }
