"""Weights to start training from: what fits is taken."""

import logging
from collections.abc import Callable
from pathlib import Path

from torch import nn

from segwright.errors import WeightsError
from segwright.weights.load import SUSPICIOUS, fill, fit, load_weights
from segwright.weights.read import read_contents
from segwright.weights.report import WeightsReport

logger = logging.getLogger("segwright")

SHOWN = 50  # variables of each kind in the table of what was not loaded


def load_pretrained(
    model: nn.Module, where: Callable[..., str] = lambda *path: ".".join(path)
) -> tuple[WeightsReport, ...]:
    """Load what ``model.backbone.pretrained`` and then ``model.pretrained`` name, as far as it fits.

    Weights to start training from may lack a head for these classes, or have a classifier of ImageNet's that a
    backbone does not need; what was not loaded is logged. A file of which nothing fits is an error.

    Args:
        model: a model as ``build_model`` returns it, which loads nothing itself. If no file is named, nothing happens.
        where: tells file, line and key path of a key in the model's block, for messages.

    Raises:
        WeightsError: see ``load_weights``.
    """
    reports = []
    for owner, key in ((getattr(model, "backbone", None), ("backbone", "pretrained")), (model, ("pretrained",))):
        path = getattr(owner, "pretrained", None)
        if owner is None or not path:
            continue
        try:
            report = load_weights(owner, path, strict=False)
        except WeightsError as error:
            raise WeightsError(f"{where(*key)}: {error}") from error
        if report.complete:
            logger.info("%s from %s", report.summary(), report.source)
        reports.append(report)
    return tuple(reports)


def load_finetune(model: nn.Module, path: str | Path) -> WeightsReport:
    """Load weights that were trained on other classes: all that fit; the rest, such as a head, stays as it is.

    What was not loaded is logged as a table.

    Args:
        model: with random weights; is left as it was when this raises.
        path: weights, as ``load_weights`` takes them.

    Raises:
        WeightsError: see ``load_weights``; or less than half of the model's variables fit, so that the file is probably
            that of another model.
    """
    report, fitting = fit(model, read_contents(path))
    if report.share < SUSPICIOUS:
        raise WeightsError(
            f"{report.source}: only {report.summary()}, less than half; {report.differences()}. Fine-tuning wants "
            "weights of the same architecture, but for its head; name those of a backbone as model.backbone.pretrained"
        )
    fill(model, fitting)
    random = report.missing or report.mismatched
    rest = "\nWhat is missing or mismatched starts from random numbers." if random else ""
    logger.info("Fine-tuning from %s: %s%s", report.source, report.table(limit=SHOWN), rest)
    return report
