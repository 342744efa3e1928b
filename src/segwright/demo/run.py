"""The whole process on generated pictures: train, evaluate, predict, export, infer, compare, and a page about it."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from segwright.atomic import write_text
from segwright.demo.compare import Agreement, compare_label_maps
from segwright.demo.fundus import write_dataset
from segwright.demo.page import class_scores, environment, gallery, tiles
from segwright.demo.steps import run_step
from segwright.errors import ConfigError
from segwright.report import Check, ReportData, read_log, write_report
from segwright.types import Size

WANTED_MIOU = 0.85
WANTED_AGREEMENT = 1 - 1e-5  # where two classes tie to the last digit, engines may round apart


@dataclass(frozen=True)
class Recipe:
    """How much the demo does; the defaults take about two minutes of training on two cores.

    Attributes:
        num_train: pictures to train on.
        num_val: pictures to judge by.
        side: height and width of the pictures.
        iters: training steps.
        batch_size: pictures in a step.
        learning_rate: at the start.
        num_evaluations: how often the model is evaluated during training.
        seed: of the pictures and of training.
    """

    num_train: int = 44
    num_val: int = 16
    side: int = 192
    iters: int = 500
    batch_size: int = 4
    learning_rate: float = 0.03
    num_evaluations: int = 10
    seed: int = 0


@dataclass(frozen=True)
class DemoResult:
    """What came out.

    Attributes:
        page: the HTML page.
        miou: on pictures that training did not see, 0..1.
        agreement: of the model's label maps and the export's.
    """

    page: Path
    miou: float
    agreement: Agreement

    @property
    def passed(self) -> bool:
        """Whether the score is good enough, and the two engines differ in no more than ties."""
        return self.miou > WANTED_MIOU and self.agreement.share >= WANTED_AGREEMENT


def run_demo(save_dir: Path, recipe: Recipe | None = None) -> DemoResult:
    """Do everything in ``save_dir``; an older demo there is replaced.

    Raises:
        ConfigError: ``save_dir`` holds something else than a demo.
        StepFailedError: one of the commands failed.
    """
    recipe = recipe or Recipe()
    config, data, scores_file = save_dir / "demo.yml", save_dir / "data", save_dir / "scores.json"
    trained, predicted, exported, inferred = (save_dir / name for name in ("train", "predict", "export", "infer"))
    _clear(save_dir, config, [data, trained, predicted, exported, inferred])
    _write_inputs(recipe, config, data)

    with_config = ("--config", config)
    with_model = (*with_config, "--model_path", trained / "best_model")
    with_pictures = ("--image_path", data / "JPEGImages")
    interval = max(1, recipe.iters // recipe.num_evaluations)
    steps: dict[str, Sequence[object]] = {
        "Train, and evaluate now and then to keep the best model.": (
            *("train", *with_config, "--save_dir", trained, "--do_eval", "--save_interval", interval),
            *("--keep_checkpoint_max", 1, "--seed", recipe.seed),
        ),
        f"Score the best model on the {recipe.num_val} pictures that it was not trained on.": (
            *("val", *with_model, "--json", scores_file),
        ),
        "Predict all pictures with the trained model.": (
            *("predict", *with_model, *with_pictures, "--save_dir", predicted),
        ),
        "Export it to ONNX; the file is compared with the model before it counts.": (
            *("export", *with_model, "--save_dir", exported),
        ),
        "Test the export, and predict the same pictures from it alone, without PyTorch.": (
            *("infer", "--config", exported / "deploy.yaml", "--selftest", *with_pictures, "--save_dir", inferred),
        ),
    }
    commands = [run_step(purpose, words) for purpose, words in steps.items()]

    scores = json.loads(scores_file.read_text(encoding="utf-8"))
    log = read_log(trained / "log.jsonl")
    label_maps = predicted / "pseudo_color_prediction"
    agreement = compare_label_maps(label_maps, inferred, sorted(path.name for path in (data / "Annotations").iterdir()))
    result = DemoResult(page=save_dir / "index.html", miou=scores["mIoU"], agreement=agreement)
    rows = gallery(data, label_maps)
    page = ReportData(
        title="Finding the optic disc",
        lead=f"BiSeNet V2, trained from scratch on this machine with {recipe.num_train} generated pictures of the "
        f"retina, judged on {recipe.num_val} that it never saw, exported to ONNX, and run again from the export alone.",
        tiles=tiles(scores, log, commands[0].seconds, f"of {recipe.batch_size} pictures, {recipe.side}x{recipe.side}"),
        log=log,
        classes=class_scores(scores),
        gallery=rows,
        gallery_note=f"{len(rows)} of the {recipe.num_val} unseen pictures, from the best predicted to the worst.",
        checks=_checks(recipe, result),
        commands=commands,
        config=config.read_text(encoding="utf-8"),
        environment=environment(),
    )
    write_report(result.page, page)
    return result


def _clear(save_dir: Path, config: Path, folders: list[Path]) -> None:
    """Make room, but only where a demo was before."""
    if save_dir.exists() and any(save_dir.iterdir()) and not config.is_file():
        raise ConfigError(f"{save_dir} holds files that are not from a demo; give --save_dir a new or empty folder")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _write_inputs(recipe: Recipe, config: Path, data: Path) -> None:
    """The configuration, and the data set that it names."""
    side = recipe.side
    print(f"Drawing {recipe.num_train} + {recipe.num_val} pictures of {side}x{side} pixels into {data}", flush=True)
    template = Template((files("segwright.demo") / "config.yml").read_text(encoding="utf-8"))
    dataset_root = json.dumps(str(data), ensure_ascii=False)  # a JSON string is a YAML string, whatever is in it
    write_text(config, template.substitute(asdict(recipe), dataset_root=dataset_root))
    write_dataset(data, num_train=recipe.num_train, num_val=recipe.num_val, size=Size(side, side), seed=recipe.seed)


def _checks(recipe: Recipe, result: DemoResult) -> list[Check]:
    """What the demo claims, with the figures."""
    same, pixels = result.agreement.same, result.agreement.pixels
    return [
        Check(
            f"Unseen pictures are segmented well: mIoU above {WANTED_MIOU}",
            f"{result.miou:.4f}",
            result.miou > WANTED_MIOU,
        ),
        Check(
            f"Model and export give the same label maps for all {recipe.num_train + recipe.num_val} pictures",
            f"{same:,} of {pixels:,} pixels",
            result.agreement.share >= WANTED_AGREEMENT,
        ),
        Check("The export passes the self-test it carries", "infer --selftest ended with 0", passed=True),
    ]
