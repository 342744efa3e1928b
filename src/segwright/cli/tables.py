"""Tables for the terminal."""

from collections.abc import Sequence
from typing import Any

from rich import get_console
from rich.table import Table

MEANS = {"mIoU": "mIoU", "Acc": "Acc", "Kappa": "Kappa", "Dice": "mDice", "AUC": "auc_roc"}
CLASS_SCORES = {
    "IoU": "class_iou",
    "Dice": "class_dice",
    "precision": "class_precision",
    "recall": "class_recall",
    "AUC": "class_auc_roc",
}


def print_scores(scores: dict[str, Any], class_names: Sequence[str] | None) -> None:
    """Scores of an evaluation: the means, and a row for each class."""
    table = Table()
    table.add_column("class")
    columns = {title: scores[key] for title, key in CLASS_SCORES.items() if key in scores}
    for title in columns:
        table.add_column(title, justify="right")
    for index, values in enumerate(zip(*columns.values(), strict=True)):
        name = f"{index} {class_names[index]}" if class_names else str(index)
        table.add_row(name, *(number(value) for value in values))
    console = get_console()
    console.print(table)
    means = ", ".join(f"{name} {number(scores[key])}" for name, key in MEANS.items() if key in scores)
    console.print(f"{means} over {scores['images']} pictures", highlight=False)


def number(value: float | None) -> str:
    """Four decimals, or ``n/a`` where a score is undefined."""
    return "n/a" if value is None else f"{value:.4f}"
