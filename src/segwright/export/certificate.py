"""What an export was tested with, and how it came out: ``certificate.json``, and a page to look at."""

import logging
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from segwright.atomic import write_json
from segwright.bundle import CERTIFICATE_NAME, Format, NetworkInput, label_map
from segwright.errors import MissingExtraError
from segwright.export.dataset_scores import DatasetScores
from segwright.export.int8 import Quantised
from segwright.export.verify import Compared, Verification
from segwright.images import Palette
from segwright.report.certificate import (
    CertificateData,
    ComparedInput,
    ComparedPicture,
    ComparedScores,
    ScoreRow,
    write_certificate,
)
from segwright.report.data import Tile
from segwright.version import __version__

TITLES: dict[Format, str] = {
    "onnx": "as ONNX",
    "openvino": "for OpenVINO",
    "torch": "as a torch.export program",
    "executorch": "for ExecuTorch",
}
PAGE_NAME = "certificate.html"

log = logging.getLogger("segwright")


def certify(
    folder: Path,
    name: str,
    file_format: Format,
    verification: Verification,
    scores: DatasetScores | None,
    quantised: Quantised | None,
    pictures: Sequence[NetworkInput],
    palette: Palette,
    class_names: Sequence[str],
) -> None:
    """Write both files; without Jinja2 the page is left out, with a word on it.

    Args:
        folder: where to.
        name: of the architecture.
        file_format: of the exported file.
        verification: how it compares; its first inputs are the ``pictures``.
        scores: on data with labels, if they were compared.
        quantised: what became of the layers in int8.
        pictures: test pictures.
        palette: colours of the classes.
        class_names: their names.
    """
    environment = {
        "segwright": __version__,
        "PyTorch": str(torch.__version__),
        "Engine": verification.engine,
        "Python": platform.python_version(),
        "System": platform.platform(),
    }
    tolerance = None if math.isinf(verification.tolerance) else verification.tolerance
    inputs = [{"shape": list(one.shape), **_figures(one)} for one in verification.inputs]
    content: dict[str, Any] = {
        "passed": verification.passed,
        "model": name,
        "format": file_format,
        "precision": verification.precision,
        "tolerance": tolerance,
        **_figures(verification),
        "inputs": inputs,
        "scores": scores and {"pictures": scores.pictures, "model": scores.model, "export": scores.export},
        "quantised": quantised and asdict(quantised),
        "environment": environment,
    }
    write_json(folder / CERTIFICATE_NAME, content)
    shown = zip(pictures, verification.inputs, strict=False)
    data = CertificateData(
        title=f"{name} {TITLES[file_format]}" + ("" if tolerance else f", {verification.precision}"),
        lead="The trained model and the exported file were given the same inputs, and every number that came out was "
        "compared.",
        tiles=[
            Tile("Label agreement", f"{verification.agreement:.4%}", f"{verification.ties} near-ties left out"),
            Tile(
                "Logit difference",
                f"{verification.logit_difference:.1e}",
                f"{tolerance:.0e} is allowed" if tolerance else "largest",
            ),
            *([Tile("mIoU", f"{scores.export['mIoU']:.4f}", f"model {scores.model['mIoU']:.4f}")] if scores else []),
            *([_layers(quantised)] if quantised else []),
            Tile("Pixels", f"{verification.pixels:,}", f"{len(inputs)} inputs"),
        ],
        tolerance=tolerance,
        inputs=[ComparedInput(**one) for one in inputs],
        pictures=[_picture(*pair) for pair in shown],
        palette=palette,
        scores=ComparedScores(scores.pictures, _rows(scores, class_names)) if scores else None,
        environment=environment,
    )
    try:
        write_certificate(folder / PAGE_NAME, data)
    except MissingExtraError as error:
        log.warning("%s; %s has the figures", error, CERTIFICATE_NAME)


def _layers(quantised: Quantised) -> Tile:
    rest = f"of {quantised.layers}; {quantised.pictures} calibration pictures, {quantised.method}"
    return Tile("Layers in int8", str(quantised.layers - len(quantised.kept)), rest)


def _picture(item: NetworkInput, found: Compared) -> ComparedPicture:
    """Label maps at the picture's own size."""
    expected, label = (label_map(labels, item.geometry) for labels in (found.expected, found.label))
    return ComparedPicture(item.picture, expected, label, found.differences)


def _figures(found: Verification | Compared) -> dict[str, Any]:
    return {key: getattr(found, key) for key in ("logit_difference", "pixels", "different", "ties")}


def _rows(scores: DatasetScores, class_names: Sequence[str]) -> list[ScoreRow]:
    means = [ScoreRow(key, scores.model[key], scores.export[key]) for key in ("mIoU", "Acc", "Kappa", "mDice")]
    classes = zip(class_names, scores.model["class_iou"], scores.export["class_iou"], strict=True)
    return [*means, *(ScoreRow(f"IoU of {name}", *pair) for name, *pair in classes)]
