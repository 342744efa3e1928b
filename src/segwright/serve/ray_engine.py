"""The same application on Ray Serve (https://docs.ray.io/en/latest/serve): replicas, on many machines, autoscaling.

Ray's proxies take the connections and share the requests out. What a connection may do is theirs to say; all other
limits are those of each replica.
"""

import logging.config
import math
import os
import random
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from segwright.errors import ConfigError, MissingExtraError
from segwright.serve.app import create_app
from segwright.serve.metrics import SHARED_FOLDER, Metrics
from segwright.serve.models import Models
from segwright.serve.options import ServeOptions
from segwright.serve.protocol import MAX_CONNECTIONS
from segwright.serve.ray_proxy import LAYERS, RETRY_AFTER, VARIABLE
from segwright.serve.server import KEEP_ALIVE, listen, log_config
from segwright.serve.urls import announcement

NAME = "segwright"
FREE_PORTS = range(20_000, 32_768)  # above those of Ray's workers, below those that systems give away
HEALTH_PERIOD = 2.0  # seconds between Ray's looks at a replica: so soon a dead one is noticed and replaced
QUIET = {"log_level": "WARNING", "enable_access_log": False}  # our application has its own lines

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_COLOR_PREFIX": "0",  # lines are collected, too
    "RAY_DEDUP_LOGS": "0",  # each request has its line
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # otherwise Ray warns of what it will do one day
}
OF_A_LOCAL_CLUSTER = {
    "RAY_AUTH_MODE": "token",  # its ports are open to other machines
    "RAY_worker_niceness": "0",  # Ray's 15 leaves a service what all other programs leave
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",  # Ray's 5 are too few on a busy machine: it would start over
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "2",  # it is the only one
    VARIABLE: LAYERS,
}


def serve_on_ray(
    options: ServeOptions,
    *,
    replicas: int = 1,
    max_replicas: int | None = None,
    address: str | None = None,
) -> None:
    """Open the models to try them, have Ray open them in each replica, and wait for the signal to end.

    Then no request is taken any more, and what was accepted is finished.

    Args:
        options: what to serve and how; the limits are those of each replica.
        replicas: copies of the service, which Ray keeps alive.
        max_replicas: under load Ray adds copies up to so many.
        address: a running Ray cluster; by default one is started on this machine, and ends with the service.

    Raises:
        SegwrightError: a model cannot be opened, the port cannot be used, or the cluster lacks what it takes.
        KeyboardInterrupt: the end, after Ctrl-C.
        SystemExit: the end, after SIGTERM.
    """
    copies = max_replicas or replicas
    if copies < replicas:
        raise ConfigError(f"--max_replicas {max_replicas} is less than --replicas {replicas}")
    for name, value in (ENVIRONMENT | (OF_A_LOCAL_CLUSTER if address is None else {})).items():
        os.environ.setdefault(name, value)  # Ray reads some when it is imported
    try:
        from ray import serve
    except ImportError as error:
        raise MissingExtraError("--engine ray", "ray") from error
    logging.getLogger("ray.serve").setLevel(logging.WARNING)

    with _listen(options) as listener:
        port = listener.getsockname()[1]
        lines = list(announcement(Models(options, Metrics()), options.host, port))
    with _cluster(address):
        if serve.status().proxies:
            raise ConfigError(
                f"Ray Serve already runs on the cluster {address}, with an address and applications of its own: end it "
                "with 'serve shutdown', or name another cluster"
            )
        scaling: dict[str, Any] = {"num_replicas": replicas}
        if copies > replicas:
            full = 2 * options.batch_size * options.runtime.parallel  # one batch runs while the next gathers
            bounds = {"min_replicas": replicas, "max_replicas": copies}
            scaling = {"autoscaling_config": {**bounds, "target_ongoing_requests": full}}
        options, resources = _shared_out(options, copies)
        try:
            serve.start(
                proxy_location="EveryNode",
                http_options={"host": options.host, "port": port, "keep_alive_timeout_s": KEEP_ALIVE},
                logging_config=QUIET,
            )
            serve.run(_application(options, scaling, resources), name=NAME)
            print("\n".join(lines), flush=True)  # at once: replicas' lines would come between
            while _is_alive():
                time.sleep(HEALTH_PERIOD)
            raise ConfigError("the Ray cluster has ended, and the service with it; Ray's logs say why")
        except RuntimeError as error:
            raise ConfigError(f"Ray cannot run the service: {error}") from error
        finally:
            _finish(stop_serve=address is not None)


def _is_alive() -> bool:
    import ray

    return any(node["Alive"] for node in ray.nodes())


def _finish(*, stop_serve: bool) -> None:
    """Have the replicas answer what they accepted, and end."""
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    if _is_alive():  # Ray would wait for machines that are gone
        with suppress(RayError, RayServeException, TimeoutError):
            serve.delete(NAME)
            if stop_serve:
                serve.shutdown()


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one; SIGTERM ends the block by a ``SystemExit``."""
    import ray

    def end(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    with tempfile.TemporaryDirectory(prefix="segwright-metrics-") as shared:
        if address is None:
            os.environ[SHARED_FOLDER] = shared  # replicas on one machine add their numbers up
            ray.init("local", include_dashboard=False, logging_level=logging.WARNING)
        else:
            ray.init(address, logging_level=logging.WARNING)
        signal.signal(signal.SIGTERM, end)  # Ray sets a handler of its own
        try:
            yield
        finally:
            ray.shutdown()


def _listen(options: ServeOptions) -> socket.socket:
    """A socket at the address that Ray is given later; for port 0 at one that nobody else is given until then.

    The system's free ports are from a range of which Ray's own processes take many while they start.
    """
    for port in random.sample(FREE_PORTS, 20) if options.port == 0 else ():
        with suppress(ConfigError):
            return listen(options.host, port)
    return listen(options.host, options.port)


def _shared_out(options: ServeOptions, copies: int) -> tuple[ServeOptions, dict[str, float]]:
    """The options for each copy, with its share of a machine's cores, and what Ray reserves for it.

    More threads than cores are the user's choice, for which Ray still finds a place.

    Raises:
        ConfigError: there are no machines to compute.
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if not nodes:
        raise ConfigError("no machine of the Ray cluster offers CPUs")
    share = min(node["CPU"] for node in nodes) / math.ceil(copies / len(nodes))
    runtime = options.runtime
    threads = runtime.cpu_threads or max(1, min(runtime.threads, int(share)))
    resources = {"num_cpus": min(threads, share)}
    if runtime.device == "gpu":
        gpus = sum(node.get("GPU", 0) for node in nodes)
        if not gpus:
            raise ConfigError("no machine of the Ray cluster offers GPUs: use --device cpu")
        resources["num_gpus"] = 1 / math.ceil(copies / gpus)
    return replace(options, runtime=replace(runtime, cpu_threads=threads)), resources


def _application(options: ServeOptions, scaling: dict[str, Any], resources: dict[str, float]) -> Any:
    """The deployment; each replica opens the models itself."""
    from ray import serve

    def build() -> ASGIApp:
        logging.config.dictConfig(log_config(options))
        return create_app(options)

    deployment: Any = serve.deployment(
        serve.ingress(build)(),
        name=NAME,
        ray_actor_options=resources,
        max_ongoing_requests=MAX_CONNECTIONS,
        max_queued_requests=MAX_CONNECTIONS,
        backpressure_config={"status_code": 429, "retry_after_s": float(RETRY_AFTER)},
        health_check_period_s=HEALTH_PERIOD,
        graceful_shutdown_timeout_s=options.answer_timeout,
        max_constructor_retry_count=1,
        logging_config=QUIET,
        **scaling,
    )
    return deployment.bind()
