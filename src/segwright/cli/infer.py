"""segwright infer --config DIR/deploy.yaml --image_path PICTURES: label maps from an exported model, without torch."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.atomic import ensure_folder
from segwright.cli.flags import add_switch, positive
from segwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from segwright.runtime import Predictor
    from segwright.runtime.benchmark import Benchmark

log = logging.getLogger("segwright")

TUNED_SHAPES = "auto_tune_tmp.pbtxt"


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add ``infer`` to the commands."""
    parser = commands.add_parser(
        "infer",
        help="predict with an exported model",
        description="Predict with an exported model on ONNX Runtime or another engine; needs the export folder only. "
        "Label maps go to --save_dir as PNG whose pixel values are class ids, overlays to added_prediction in it.",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="deploy.yaml, or its folder")
    parser.add_argument("--image_path", type=Path, metavar="PATH", help="a picture, a folder, or a list of pictures")
    parser.add_argument("--batch_size", type=positive, default=1, metavar="N", help="pictures to predict together")
    parser.add_argument("--save_dir", type=Path, default=Path("output"), metavar="DIR", help="where to write")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="gpu needs onnxruntime-gpu")
    parser.add_argument(
        "--cpu_threads",
        type=positive,
        metavar="N",
        help="threads that compute, on one picture, or on as many small ones; default: up to 10, one for each core",
    )
    add_switch(parser, "--selftest", "check the export's own test pictures; exit code 1 if they come out differently")
    add_switch(parser, "--with_argmax", "take the best class of a model exported without argmax; done in any case")
    add_switch(parser, "--print_detail", "say which engine runs, on what", default=True)

    speed = parser.add_argument_group("measuring")
    add_switch(speed, "--benchmark", "time the steps after 5 warm-up runs; a table, and benchmark.json in --save_dir")
    speed.add_argument("--model_name", default="", metavar="NAME", help="label of the model in the benchmark")

    engine = parser.add_argument_group("engine")
    engine.add_argument(
        "--engine",
        choices=("auto", "onnxruntime", "openvino", "executorch", "torch"),
        default="auto",
        help="library that runs the model; default: the first that is installed and reads the exported format",
    )
    add_switch(engine, "--compile", "compile with torch.compile; a minute at the start, torch engine only")
    engine.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16", "int8"),
        help="default: the export's; bf16 and fp16 round, where engine and device can; int8 needs a quantised model",
    )
    add_switch(engine, "--use_int8", "older spelling of --precision int8")
    add_switch(engine, "--use_trt", "compile with TensorRT; needs --device gpu")
    engine.add_argument(
        "--min_subgraph_size", type=positive, default=3, metavar="N", help="with --use_trt: smallest part"
    )
    add_switch(engine, "--enable_auto_tune", "collect input shapes first; only Paddle Inference needs that")
    engine.add_argument(
        "--auto_tuned_shape_file", default=TUNED_SHAPES, metavar="FILE", help="file for --enable_auto_tune"
    )
    add_switch(engine, "--enable_mkldnn", "kernels of oneDNN: those of --engine openvino")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the flags, then the test pictures or the user's."""
    from segwright.images import list_images
    from segwright.runtime import EngineOptions, load

    _refuse_auto_tune(args)
    if args.use_int8 and args.precision not in (None, "int8"):
        raise ConfigError(f"--use_int8 and --precision {args.precision} contradict each other")
    if not args.selftest and args.image_path is None:
        raise ConfigError("give pictures with --image_path, or --selftest for the export's own")
    options = EngineOptions(
        engine=args.engine,
        compile=args.compile,
        device=args.device,
        cpu_threads=args.cpu_threads,
        precision="int8" if args.use_int8 else args.precision,
        use_trt=args.use_trt,
        min_subgraph_size=args.min_subgraph_size,
        enable_mkldnn=args.enable_mkldnn,
    )
    images = list_images(args.image_path) if args.image_path is not None else []
    # A benchmark shows what one picture takes, and a batch shares the cores by itself.
    together = [] if args.benchmark or args.batch_size > 1 else images
    predictor = load(args.config, options, pictures=together)
    manifest = predictor.manifest
    if args.print_detail:
        precision = options.precision or manifest.precision
        log.info("%s: input %s, output %s", manifest.model, list(manifest.input_shape), manifest.output_op)
        at_once = f", {many} pictures at a time" if (many := predictor.options.parallel) > 1 else ""
        log.info("%s, %d threads%s, %s", predictor.engine.title, options.threads, at_once, precision)
    if args.with_argmax and manifest.output_op == "argmax":
        log.info("the exported model ends in argmax already, so --with_argmax adds nothing")
    code = _run_selftest(predictor) if args.selftest else 0
    if args.image_path is not None:
        _run_pictures(args, predictor, images)
    return code


def _refuse_auto_tune(args: argparse.Namespace) -> None:
    if args.enable_auto_tune:
        raise ConfigError(
            "--enable_auto_tune collects input shapes for TensorRT inside Paddle Inference; ONNX Runtime's TensorRT "
            "engine takes them as they come: leave the flag out"
        )
    if args.auto_tuned_shape_file != TUNED_SHAPES:
        raise ConfigError(
            "--auto_tuned_shape_file belongs to --enable_auto_tune, which only Paddle Inference needs: leave it out"
        )


def _run_selftest(predictor: "Predictor") -> int:
    from segwright.runtime.selftest import selftest

    results = selftest(predictor)
    for result in results:
        log.info(
            "selftest %s: %d of %d pixels differ, agreement %.4f %%: %s",
            result.image,
            result.different,
            result.pixels,
            100 * result.agreement,
            "passed" if result.passed else f"FAILED (want {100 * result.wanted:g} %)",
        )
    return 0 if all(result.passed for result in results) else 1


def _run_pictures(args: argparse.Namespace, predictor: "Predictor", images: list[Path]) -> None:
    from segwright.runtime.pictures import predict_pictures

    ensure_folder(args.save_dir)
    failed = predict_pictures(predictor, images, args.image_path, args.save_dir, batch_size=args.batch_size)
    log.info("%d of %d label maps are in %s", len(images) - len(failed), len(images), args.save_dir)
    readable = [image for image in images if image not in failed]
    if args.benchmark and readable:
        from segwright.runtime.benchmark import benchmark

        _report(benchmark(predictor, readable, batch_size=args.batch_size, model_name=args.model_name), args.save_dir)
    for reason in failed.values():
        log.error("not predicted: %s", reason)
    if failed:
        first = next(iter(failed.values()))
        raise DataError(f"{len(failed)} of {len(images)} pictures were not predicted; the first: {first}")


def _report(result: "Benchmark", save_dir: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from segwright.atomic import write_json

    memory = "unknown" if result.peak_memory_mb is None else f"{result.peak_memory_mb:.0f} MB"
    table = Table(
        title=f"{result.model_name or 'model'}: {result.runs} runs of {result.batch_size} after {result.warmup}",
        caption=f"{result.images_per_second:.2f} images/s, peak memory {memory}; preprocess includes decoding",
    )
    for column in ("step", "mean ms", "p50 ms", "p95 ms"):
        table.add_column(column, justify="left" if column == "step" else "right")
    for name, timing in result.steps.items():
        table.add_row(name, f"{timing.mean:.2f}", f"{timing.p50:.2f}", f"{timing.p95:.2f}")
    console = Console()
    console.print(table)
    for key, value in result.environment.items():
        console.print(f"{key}: {value}", highlight=False, markup=False)
    path = save_dir / "benchmark.json"
    write_json(path, result.to_dict())
    log.info("the figures are in %s", path)
