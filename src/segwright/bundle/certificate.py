"""What an export's certificate says of its scores."""

import json
from dataclasses import dataclass
from pathlib import Path

from segwright.errors import ExportError

CERTIFICATE_NAME = "certificate.json"


@dataclass(frozen=True)
class CertifiedScore:
    """The mIoU of an exported file, 0..1, and the number of validation pictures that it was measured on."""

    miou: float
    pictures: int


def certified_score(folder: Path) -> CertifiedScore | None:
    """The score of the export in a folder; None if it was exported without ``--verify_dataset``.

    Raises:
        ExportError: the certificate is there, but cannot be read.
    """
    path = folder / CERTIFICATE_NAME
    if not path.exists():
        return None
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))["scores"]
        return scores and CertifiedScore(float(scores["export"]["mIoU"]), int(scores["pictures"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{path} was edited or damaged ({type(error).__name__}: {error}); export again") from error
