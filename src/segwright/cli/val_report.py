"""``segwright val --report DIR``: the evaluation as one HTML page."""

import argparse
import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from segwright.config import Config
    from segwright.datasets import SegmentationDataset
    from segwright.engine.confused_pairs import Example
    from segwright.engine.evaluation import Evaluation
    from segwright.engine.evaluation_report import Findings, ReportObserver
    from segwright.engine.inference import Procedure
    from segwright.engine.packed_map import PackedMap
    from segwright.report import Tile
    from segwright.report.evaluation_data import Crop, ShownPicture

NUM_PLACES = 3  # shown for a pair of classes that are confused


def add_report(parser: argparse.ArgumentParser) -> None:
    """``--report``."""
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="also write DIR/index.html, one page with scores, confusion matrix, calibration, the worst and best "
        "pictures and the places where classes are confused; it opens without a network; default: none",
    )


def report_observer(folder: Path, dataset: "SegmentationDataset", device: "torch.device") -> "ReportObserver":
    """What has to watch the evaluation for a report; whatever would hinder one is told now, not hours later.

    Raises:
        ConfigError: a pixel may have several labels.
        MissingExtraError: Jinja2 is not installed.
        OutputError: the folder cannot be written to.
    """
    from segwright import atomic
    from segwright.engine.evaluation_report import ReportObserver
    from segwright.report.templates import environment

    observer = ReportObserver(dataset, device)
    environment()
    atomic.ensure_folder(folder)
    return observer


def write_val_report(
    folder: Path,
    dataset: "SegmentationDataset",
    result: "Evaluation",
    findings: "Findings",
    scores: dict[str, Any],
    *,
    title: str,
    caution: str,
    config: str,
    setting: dict[str, str],
) -> Path:
    """Write the page of an evaluation; returns the file.

    Args:
        folder: where to; the page is its ``index.html``.
        dataset: what was evaluated.
        result: of the evaluation.
        findings: what the observer saw.
        scores: the result's, as ``all_scores`` gives them.
        title: of the page.
        caution: what speaks against the scores; empty for nothing.
        config: text of the configuration.
        setting: what else was used, by name.
    """
    from segwright.cli.tables import CLASS_SCORES
    from segwright.images import default_palette
    from segwright.report.evaluation_data import EvaluationData
    from segwright.report.evaluation_page import write_evaluation

    class_names = dataset.class_names or [f"class {index}" for index in range(dataset.num_classes)]
    names = _names([pair.image for pair in dataset.pairs])
    worst = {number: packed for (_, number), packed in sorted(findings.worst.items())}
    best = {number: packed for (_, number), packed in sorted(findings.best.items()) if number not in worst}
    path = folder / "index.html"
    write_evaluation(
        path,
        EvaluationData(
            title=title,
            lead=f"{len(names)} pictures with {len(class_names)} classes, evaluated with segwright.",
            tiles=_tiles(scores, findings.calibration.expected_error()),
            cautions=[caution] if caution else [],
            conventions=_conventions(scores["conventions"], dataset.ignore_index),
            class_names=class_names,
            palette=dataset.palette or default_palette(dataset.num_classes),
            class_scores={heading: scores[key] for heading, key in CLASS_SCORES.items() if key in scores},
            counts=result.confusion.counts,
            ignore_index=dataset.ignore_index,
            calibration=findings.calibration,
            names=names,
            per_image=result.per_image,
            worst=_shown(dataset, worst),
            best=_shown(dataset, best),
            crops=lambda true, predicted: _crops(dataset, findings.pairs.examples(true, predicted, NUM_PLACES), names),
            config=config,
            environment=setting,
        ),
    )
    return path


def setting_of(
    args: argparse.Namespace, config: "Config", procedure: "Procedure", device: "torch.device"
) -> dict[str, str]:
    """What an evaluation was made with, for the end of its page."""
    import torch

    from segwright.version import __version__

    return {
        "Configuration": str(args.config),
        "Weights": str(args.model_path or (config.section("model") or {}).get("pretrained")),
        "Prediction": _described(procedure),
        "Device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "segwright": __version__,
        "PyTorch": str(torch.__version__),
        "Finished": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def title_of(config: "Config") -> str:
    """Which model was evaluated on what."""
    data = config.section("val_dataset") or {}
    name = data.get("type")
    if name == "Dataset" and data.get("dataset_root"):
        name = Path(data["dataset_root"]).resolve().name
    return f"{(config.section('model') or {}).get('type')} on {name}"


def _tiles(scores: dict[str, Any], calibration_error: float | None) -> list["Tile"]:
    from segwright.cli.tables import MEANS, interval, number
    from segwright.report import Tile

    confidence = scores.get("confidence", {})
    tiles = [
        Tile(heading, number(scores[key]), f"95 %: {interval(confidence[key])}" if key in confidence else "")
        for heading, key in MEANS.items()
        if key in scores
    ]
    error = Tile("ECE", number(calibration_error), "expected calibration error")
    return [*tiles, error, Tile("Pictures", str(scores["images"]))]


def _conventions(conventions: dict[str, Any], ignore_index: int) -> dict[str, str]:
    """What scores mean, by their headings on the page."""
    from segwright.cli.tables import number
    from segwright.metrics.calibration import BINS

    headings = {"class_precision": "Precision", "absent": "Absent classes", "boundary_iou": "Boundary IoU"}
    means = {headings.get(name, name): text for name, text in conventions.items() if isinstance(text, str)}
    if "mIoU" in conventions:
        by_rule = ", ".join(f"{rule}: {number(value)}" for rule, value in conventions["mIoU"].items())
        means["Absent classes"] += f". There are such classes here; mIoU by convention: {by_rule}"
    return {
        "Classes": "Scores of a class are taken over all pixels of all pictures; mIoU and Dice are means over classes",
        **means,
        "Ignored": f"Pixels labelled {ignore_index} are not judged",
        "Single pictures": "Their mIoU is taken over the classes in label map or prediction",
        "ECE": f"Confidence is the probability of the predicted class, in {BINS} equally wide bins (Guo et al., 2017)",
    }


def _shown(dataset: "SegmentationDataset", predictions: dict[int, "PackedMap"]) -> Iterator["ShownPicture"]:
    """Pictures to look at, read one by one as they are asked for."""
    from segwright.report.evaluation_data import ShownPicture

    for number, packed in predictions.items():
        yield ShownPicture(number, dataset.load_image(number), dataset.load_label(number), packed.array())


def _crops(dataset: "SegmentationDataset", examples: Sequence["Example"], names: Sequence[str]) -> Iterator["Crop"]:
    """Places where two classes are confused, read one by one as they are asked for."""
    from segwright.report.evaluation_data import Crop

    for example in examples:
        confused = example.confused.array()
        height, width = confused.shape
        image = dataset.load_image(example.number)
        window = image[example.top : example.top + height, example.left : example.left + width]
        yield Crop(names[example.number], window, confused)


def _names(paths: Sequence[Path]) -> list[str]:
    """The paths from the folder on that all are in, so that names are short and yet differ."""
    common = os.path.commonpath([path.absolute().parent for path in paths])
    return [path.absolute().relative_to(common).as_posix() for path in paths]


def _described(procedure: "Procedure") -> str:
    parts = [f"windows of {procedure.window}, {procedure.stride} apart" if procedure.window else "whole pictures"]
    if procedure.augment:
        parts.append(f"scales {', '.join(f'{scale:g}' for scale in procedure.scales)}")
        flips = {"horizontally": procedure.flip_horizontal, "vertically": procedure.flip_vertical}
        parts += [f"also mirrored {way}" for way, on in flips.items() if on]
    return "; ".join(parts)
