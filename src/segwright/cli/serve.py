"""segwright serve DIR ...: exported models as a service over HTTP, with a web page."""

import argparse
import os
from pathlib import Path

from segwright.cli.flags import add_switch, positive
from segwright.errors import ConfigError, MissingExtraError

KEYS_VARIABLE = "SEGWRIGHT_API_KEY"


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add ``serve`` to the commands."""
    parser = commands.add_parser(
        "serve",
        help="serve exported models over HTTP",
        description="Serve exported models: a web page for people, and for programs PaddleHub's contract, KServe v2, "
        "and a plain upload. Prints every URL with a curl command for each.",
    )
    parser.add_argument(
        "bundles",
        nargs="+",
        metavar="[NAME=]DIR",
        help="folder of an exported model, or of its versions 1, 2, ...; without a name the folder's serves",
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets other machines connect")
    parser.add_argument("--port", type=int, default=8866, metavar="N", help="0 takes any free one")
    parser.add_argument(
        "--engine", choices=("embedded", "ray"), default="embedded", help="what serves: one machine, or Ray Serve"
    )
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="processes that share the port")
    parser.add_argument("--log_format", choices=("text", "json"), default="text", help="one line for each request")

    model = parser.add_argument_group("models")
    model.add_argument(
        "--runtime",
        choices=("auto", "onnxruntime", "openvino", "executorch", "torch"),
        default="auto",
        help="library that runs the models; default: the first that is installed and reads the exported format",
    )
    model.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="gpu needs onnxruntime-gpu")
    model.add_argument("--cpu_threads", type=positive, metavar="N", help="default: up to 10, one for each core")
    model.add_argument(
        "--parallel",
        type=positive,
        metavar="N",
        help="runs of the network at a time, sharing the threads; default: one, and under load one on each thread",
    )
    model.add_argument("--precision", choices=("fp32", "bf16", "fp16", "int8"), help="default: the export's")
    model.add_argument(
        "--batch_size", type=positive, default=4, metavar="N", help="most pictures that go through the network together"
    )
    model.add_argument(
        "--batch_delay", type=float, default=0.0, metavar="MS", help="wait for others while the engine is free"
    )
    model.add_argument(
        "--reload_interval", type=float, default=2.0, metavar="S", help="look for new files so often; 0 never"
    )

    limits = parser.add_argument_group("limits")
    limits.add_argument("--queue_size", type=positive, default=64, metavar="N", help="pictures of a model at a time")
    limits.add_argument("--max_uploads", type=positive, default=32, metavar="N", help="requests received at a time")
    limits.add_argument("--max_body_mb", type=float, default=32, metavar="MB", help="size of a request")
    limits.add_argument("--max_megapixels", type=float, default=32, metavar="M", help="size of a picture")
    limits.add_argument("--read_timeout", type=float, default=30, metavar="S", help="for a request to arrive")
    limits.add_argument("--write_timeout", type=float, default=30, metavar="S", help="for a client that reads nothing")
    limits.add_argument("--answer_timeout", type=float, default=60, metavar="S", help="for an answer")
    limits.add_argument(
        "--drain_time", type=float, default=1, metavar="S", help="not ready before SIGTERM closes the port"
    )

    access = parser.add_argument_group("access")
    access.add_argument(
        "--api_key_file", type=Path, metavar="FILE", help=f"a key a line; {KEYS_VARIABLE} in the environment holds one"
    )
    access.add_argument(
        "--cors_origins", nargs="+", default=[], metavar="URL", help="pages that may call from browsers"
    )
    add_switch(access, "--allow_public", "listen beyond this machine without asking for a key")

    ray = parser.add_argument_group("with --engine ray")
    ray.add_argument("--replicas", type=positive, metavar="N", help="copies of the service; default: 1")
    ray.add_argument("--max_replicas", type=positive, metavar="N", help="let Ray add copies up to so many under load")
    ray.add_argument("--ray_address", metavar="ADDRESS", help="a Ray cluster; default: one on this machine")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the flags, open the models, serve."""
    try:
        import fastapi  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("serving", "serve") from error
    from segwright.runtime import EngineOptions
    from segwright.serve.options import MIB, ServeOptions, name_bundles

    _refuse_what_the_engine_lacks(args)
    options = ServeOptions(
        bundles=name_bundles(args.bundles),
        runtime=EngineOptions(
            engine=args.runtime,
            device=args.device,
            cpu_threads=args.cpu_threads,
            parallel=args.parallel or 1,
            precision=args.precision,
        ),
        host=args.host,
        port=args.port,
        workers=args.workers,
        crowd=args.parallel is None,
        batch_size=args.batch_size,
        batch_delay=args.batch_delay / 1000,
        queue_size=args.queue_size,
        max_uploads=args.max_uploads,
        max_body=round(args.max_body_mb * MIB),
        max_pixels=round(args.max_megapixels * 1e6),
        read_timeout=args.read_timeout,
        write_timeout=args.write_timeout,
        answer_timeout=args.answer_timeout,
        drain_time=args.drain_time,
        reload_interval=args.reload_interval,
        api_keys=_keys(args.api_key_file),
        cors_origins=tuple(args.cors_origins),
        allow_public=args.allow_public,
        log_format=args.log_format,
    )
    if args.engine == "ray":
        from segwright.serve.ray_engine import serve_on_ray

        serve_on_ray(options, replicas=args.replicas or 1, max_replicas=args.max_replicas, address=args.ray_address)
    else:
        from segwright.serve.server import serve

        serve(options)
    return 0


def _keys(path: Path | None) -> tuple[str, ...]:
    keys = []
    if path is not None:
        try:
            keys = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--api_key_file {path} cannot be read: {error}") from error
        if not keys:
            raise ConfigError(f"--api_key_file {path} holds no key: write one a line")
    if KEYS_VARIABLE in os.environ:
        keys.append(os.environ[KEYS_VARIABLE].strip())
    if not all(key.isascii() and key.isprintable() for key in keys):
        raise ConfigError(
            "an API key holds control characters or letters beyond ASCII, which clients spell in a header each in its "
            "own way, so that it would fit for some of them only: use letters, digits and signs of ASCII"
        )
    return tuple(keys)


def _refuse_what_the_engine_lacks(args: argparse.Namespace) -> None:
    if args.engine == "ray" and args.workers > 1:
        raise ConfigError("--workers are processes of the embedded engine: with --engine ray use --replicas")
    for flag in ("write_timeout", "drain_time"):
        if args.engine == "ray" and flag in args.given:
            raise ConfigError(f"--{flag} speaks of connections, which with --engine ray are Ray's: leave it out")
    if args.engine != "ray":
        for flag in ("replicas", "max_replicas", "ray_address"):
            if getattr(args, flag) is not None:
                raise ConfigError(f"--{flag} needs --engine ray; the embedded engine has --workers")
