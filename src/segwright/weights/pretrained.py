"""The weights that a model's configuration asks to start from."""

import logging
from collections.abc import Callable

from torch import nn

from segwright.errors import WeightsError
from segwright.weights.load import load_weights
from segwright.weights.report import WeightsReport

logger = logging.getLogger("segwright")


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
