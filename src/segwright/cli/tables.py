"""Tables for the terminal."""

from collections.abc import Sequence
from typing import Any

from rich import get_console
from rich.table import Table

MEANS = {
    "mIoU": "mIoU",
    "Acc": "Acc",
    "Kappa": "Kappa",
    "Dice": "mDice",
    "AUC": "auc_roc",
    "boundary IoU": "boundary_iou",
}
CLASS_SCORES = {
    "IoU": "class_iou",
    "Dice": "class_dice",
    "precision": "class_precision",
    "recall": "class_recall",
    "AUC": "class_auc_roc",
    "boundary IoU": "class_boundary_iou",
}


def print_scores(scores: dict[str, Any], class_names: Sequence[str] | None) -> None:
    """Scores of an evaluation: a row for each class, the means, their intervals, and what they mean."""
    columns = {title: [number(value) for value in scores[key]] for title, key in CLASS_SCORES.items() if key in scores}
    confidence = scores.get("confidence")
    if confidence:
        columns[f"{confidence['level']:.0%} of IoU"] = [interval(ends) for ends in confidence["class_iou"]]
    table = Table()
    table.add_column("class")
    for title in columns:
        table.add_column(title, justify="right")
    for index, values in enumerate(zip(*columns.values(), strict=True)):
        table.add_row(f"{index} {class_names[index]}" if class_names else str(index), *values)
    means = ", ".join(f"{name} {number(scores[key])}" for name, key in MEANS.items() if key in scores)
    lines = [f"{means} over {scores['images']} pictures"]
    if confidence:
        lines.append(
            f"{confidence['level']:.0%} of {confidence['resamples']} resamples of the pictures: "
            f"mIoU {interval(confidence['mIoU'])}, Acc {interval(confidence['Acc'])}"
        )
    lines.append("Acc is pixel accuracy; precision is what PaddleSeg's log calls Class Acc or Class Precision")
    console = get_console()
    console.print(table)
    console.print("\n".join(lines), highlight=False)


def interval(ends: Sequence[float] | None) -> str:
    """Both ends of an interval, or ``n/a``."""
    return "n/a" if ends is None else f"{ends[0]:.4f}-{ends[1]:.4f}"


def number(value: float | None) -> str:
    """Four decimals, or ``n/a`` where a score is undefined."""
    return "n/a" if value is None else f"{value:.4f}"
