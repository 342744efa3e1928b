"""What the demo's page shows."""

import os
import platform
import sys
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from segwright.demo.fundus import CLASS_NAMES
from segwright.images import read_label
from segwright.metrics import scores as compute_scores
from segwright.report import ClassScores, GalleryRow, RunLog, Tile

_COLOURS = ((138, 133, 122), (0, 200, 190))
_NUM_SHOWN = 8


def tiles(scores: dict[str, Any], log: RunLog, seconds: float, batch: str) -> list[Tile]:
    """The figures at the top: scores on unseen pictures, and what training took."""
    speeds = [record["ips"] for record in log.train]
    return [
        Tile("mIoU", f"{scores['mIoU']:.4f}", f"on {scores['images']} unseen pictures"),
        Tile("Accuracy", f"{scores['Acc']:.4f}"),
        Tile("Kappa", f"{scores['Kappa']:.4f}"),
        Tile("Mean Dice", f"{scores['mDice']:.4f}"),
        Tile("Iterations", str(log.train[-1]["iter"] if log.train else 0), batch),
        Tile("Training", f"{seconds:.0f} s", f"{np.median(speeds):.1f} pictures a second" if speeds else ""),
    ]


def class_scores(scores: dict[str, Any]) -> list[ClassScores]:
    """The rows of the table, with the colours that the pictures use too."""
    columns = (scores[f"class_{name}"] for name in ("iou", "precision", "recall", "dice"))
    return [ClassScores(*values) for values in zip(CLASS_NAMES, _COLOURS, *columns, strict=True)]


def gallery(data: Path, label_maps: Path) -> list[GalleryRow]:
    """Validation pictures of a data set, evenly spread from the best predicted to the worst."""
    judged = []
    for line in (data / "val_list.txt").read_text(encoding="utf-8").splitlines():
        image, truth = (data / name for name in line.split(" "))
        prediction = label_maps / truth.name
        label, found = read_label(truth), read_label(prediction)
        iou = compute_scores(found, label, num_classes=len(CLASS_NAMES))["class_iou"][1]
        if label.any():
            verdict = f"IoU of the disc {iou:.3f}"
        elif found.any():
            verdict = f"no disc in the picture, but {np.count_nonzero(found)} pixels taken for one"
        else:
            verdict = "no disc in the picture, and none found"
        judged.append((iou, GalleryRow(str(image), str(truth), str(prediction), f"{image.stem}: {verdict}")))
    judged.sort(key=lambda pair: -pair[0])
    chosen = np.linspace(0, len(judged) - 1, min(_NUM_SHOWN, len(judged))).round().astype(int)
    return [judged[index][1] for index in chosen]


def environment() -> dict[str, str]:
    """Versions and machine."""
    packages = {
        "segwright": "segwright",
        "PyTorch": "torch",
        "ONNX Runtime": "onnxruntime",
        "NumPy": "numpy",
        "OpenCV": "opencv-python-headless",
    }
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {
        **{title: _version(package) for title, package in packages.items()},
        "Python": platform.python_version(),
        "Machine": f"{platform.system()} {platform.machine()}, {cores} cores",
        "Finished": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
