"""``segwright analyse speed``: exported models timed in turns on this machine, and their mIoU over their time."""

import argparse
import csv
import io
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.engine_flags import add_engines, engines_of
from segwright.cli.flags import positive
from segwright.errors import ConfigError, SegwrightError

if TYPE_CHECKING:
    from segwright.report.speed_page import ModelSpeed
    from segwright.runtime import Predictor

REPEATS = 3  # pictures in a turn
PAGE, TABLE, FIGURES = "index.html", "speed.csv", "speed.json"

log = logging.getLogger("segwright")


def add_speed(actions: argparse._SubParsersAction) -> None:
    """``segwright analyse speed``."""
    parser = actions.add_parser(
        "speed",
        help="the plot of accuracy against speed of exported models",
        description="Time exported models on this machine, taking turns, each from a picture's file to its label map, "
        "and set their time against their mIoU, which 'segwright export --verify_dataset' has noted in the export. "
        f"Writes {PAGE} with the plot, {TABLE} and {FIGURES}.",
    )
    parser.add_argument(
        "bundles", type=Path, nargs="+", metavar="BUNDLE", help="deploy.yaml of an export, or its folder"
    )
    parser.add_argument(
        "--image_path", type=Path, required=True, metavar="PATH", help="a picture, a folder, or a list of pictures"
    )
    parser.add_argument("--save_dir", type=Path, default=Path("output"), metavar="DIR", help="where to write")
    parser.add_argument(
        "--rounds", type=positive, default=10, metavar="N", help=f"turns of each model, of {REPEATS} pictures each"
    )
    add_engines(
        parser,
        "time each export on these engines, as far as they read it: onnxruntime, openvino, executorch, torch, or all "
        "that are installed; default: the first that is installed and reads it",
    )
    parser.set_defaults(run=run_speed)


def run_speed(args: argparse.Namespace) -> None:
    """Open, time, print, write."""
    import numpy as np

    from segwright import atomic
    from segwright.images import list_images
    from segwright.report.speed_page import SpeedData, write_speed
    from segwright.report.templates import environment as templates
    from segwright.runtime.benchmark import STEPS, environment
    from segwright.runtime.turns import take_turns

    engines, skip = engines_of(args.engines)
    templates()  # tells that Jinja2 is missing before anything is timed
    pictures = list_images(args.image_path)
    atomic.ensure_folder(args.save_dir)
    predictors = _open(args.bundles, engines or ["auto"], args.cpu_threads, skip=skip)
    sides = {name: _timer(predictor, pictures) for name, predictor in predictors.items()}
    seconds = {
        name: np.array(runs) for name, runs in take_turns(sides, rounds=args.rounds, repeats=REPEATS).items()
    }  # (runs, steps)
    network = STEPS.index("inference")
    models = [
        _model(name, predictor, 1000 * seconds[name].sum(axis=1), 1000 * seconds[name][:, network])
        for name, predictor in predictors.items()
    ]
    setting = environment(next(iter(predictors.values())))
    told = {key: str(setting[key]) for key in ("system", "processor", "cores", "cpu_threads", "python")}
    count = args.rounds * REPEATS
    data = SpeedData(
        title="Accuracy against speed",
        lead=f"{len(models)} exported {'model' if len(models) == 1 else 'models'} in turns on one machine: median of "
        f"{count} pictures each, from the file to the label map, with --cpu_threads {told['cpu_threads']}.",
        models=models,
        cautions=cautions(models),
        environment=told,
    )
    show(models)
    for caution in data.cautions:
        log.warning("%s", caution)
    write_speed(args.save_dir / PAGE, data)
    atomic.write_text(args.save_dir / TABLE, _csv(models))
    atomic.write_json(
        args.save_dir / FIGURES, {"runs": count, "environment": told, "models": list(map(asdict, models))}
    )
    log.info("the plot is %s; the figures are beside it", args.save_dir / PAGE)


def _open(
    bundles: Sequence[Path], engines: Sequence[str], threads: int | None, *, skip: bool
) -> "dict[str, Predictor]":
    """Each export on each engine that reads it, by a name of its own.

    Raises:
        ConfigError: an export comes twice, or none of the engines reads it.
        SegwrightError: an engine cannot run it, and ``skip`` is not set.
    """
    from segwright.bundle import MANIFEST_NAME, Manifest
    from segwright.runtime import EngineOptions, load
    from segwright.runtime.engines import engines_for

    folders = [path.parent if path.name == MANIFEST_NAME else path for path in bundles]
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError("an export is named twice: name each once")
    readers = {folder: engines_for(Manifest.read(folder / MANIFEST_NAME).format) for folder in folders}
    _require_use(readers, engines, skip=skip)
    names = [folder.resolve().name for folder in folders]
    predictors: dict[str, Predictor] = {}
    for folder, name in zip(folders, names, strict=True):
        label = name if names.count(name) == 1 else str(folder)
        for engine in engines:
            if engine != "auto" and engine not in readers[folder]:
                continue
            try:
                predictor = load(folder, EngineOptions(engine=engine, cpu_threads=threads))
            except SegwrightError as error:
                if not skip:
                    raise
                log.info("%s on %s is left out: %s", label, engine, error)
                continue
            predictors[label if engine == "auto" else f"{label}, {engine}"] = predictor
    if not predictors:
        raise ConfigError("no engine here can run any of these exports; the lines above say why")
    return predictors


def _require_use(readers: Mapping[Path, Collection[str]], engines: Sequence[str], *, skip: bool) -> None:
    """Fail unless each export has an engine and, without ``skip``, each engine an export."""
    if engines == ["auto"]:
        return
    for folder, fitting in readers.items():
        if not set(engines) & set(fitting):
            raise ConfigError(
                f"{folder}: none of --engines {' '.join(engines)} reads this export; add {' or '.join(fitting)}"
            )
    for engine in engines:
        if not skip and not any(engine in fitting for fitting in readers.values()):
            raise ConfigError(f"--engines {engine}: it reads none of these exports; leave it out")


def _timer(predictor: "Predictor", pictures: Sequence[Path]) -> Callable[[], list[float]]:
    """One picture at a time, in turns; seconds of its steps."""
    from segwright.runtime.benchmark import run_batch

    following = cycle(pictures)
    return lambda: run_batch(predictor, [next(following)])[0]


def _model(name: str, predictor: "Predictor", total: Any, network: Any) -> "ModelSpeed":
    """From (runs,) milliseconds of all steps, and of the network."""
    import numpy as np

    from segwright.bundle import certified_score
    from segwright.report.speed_page import ModelSpeed

    score = certified_score(predictor.folder)
    low, middle, high = (float(value) for value in np.quantile(total, (0.25, 0.5, 0.75)))
    return ModelSpeed(
        name=name,
        folder=str(predictor.folder),
        engine=predictor.engine.title,
        precision=predictor.manifest.precision,
        input_shape=predictor.manifest.input_shape,
        milliseconds=middle,
        low=low,
        high=high,
        network=float(np.median(network)),
        miou=score.miou if score else None,
        pictures=score.pictures if score else None,
    )


def cautions(models: "Sequence[ModelSpeed]") -> list[str]:
    """What hinders the comparison, in sentences."""
    found = []
    unknown = [model.name for model in models if model.miou is None]
    if unknown:
        found.append(
            f"The mIoU of {', '.join(unknown)} is not known, so that the plot does not show it: export again with "
            "--verify_dataset, which notes the score in the export's certificate."
        )
    counts = sorted({model.pictures for model in models if model.pictures is not None})
    if len(counts) > 1:
        found.append(
            f"The scores come from different numbers of pictures ({', '.join(map(str, counts))}) and can be compared "
            "only roughly: export again with the same --verify_dataset."
        )
    return found


def show(models: "Sequence[ModelSpeed]") -> None:
    """The table, the fastest first."""
    from rich import get_console
    from rich.table import Table

    from segwright.report.speed_page import on_front

    front = on_front(models)
    table = Table(caption="*: no other model is both faster and at least as accurate" if front else None)
    table.add_column("model", overflow="fold")
    for heading in ("mIoU", "ms per picture", "network alone"):
        table.add_column(heading, justify="right")
    table.add_column("engine", overflow="fold")
    for model in sorted(models, key=lambda model: model.milliseconds):
        table.add_row(
            f"{model.name}{' *' if model.name in front else ''}",
            "unknown" if model.miou is None else f"{model.miou:.4f}",
            f"{model.milliseconds:.1f}",
            f"{model.network:.1f}",
            model.engine,
        )
    get_console().print(table)


def _csv(models: "Sequence[ModelSpeed]") -> str:
    from segwright.report.speed_page import ModelSpeed

    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(ModelSpeed)], lineterminator="\n")
    writer.writeheader()
    for model in models:
        writer.writerow(asdict(model) | {"input_shape": "x".join(map(str, model.input_shape))})
    return text.getvalue()
