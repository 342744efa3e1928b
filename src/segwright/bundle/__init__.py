"""What an exported model consists of: written by ``export``, read by ``runtime``. No torch."""

from segwright.bundle.certificate import CERTIFICATE_NAME, CertifiedScore, certified_score
from segwright.bundle.manifest import (
    AGREEMENT,
    MANIFEST_NAME,
    Format,
    Manifest,
    OutputOp,
    Precision,
    Selftest,
    Shape,
    file_hash,
)
from segwright.bundle.pictures import NetworkInput, Preprocessing, label_map

__all__ = [
    "AGREEMENT",
    "CERTIFICATE_NAME",
    "MANIFEST_NAME",
    "CertifiedScore",
    "Format",
    "Manifest",
    "NetworkInput",
    "OutputOp",
    "Precision",
    "Preprocessing",
    "Selftest",
    "Shape",
    "certified_score",
    "file_hash",
    "label_map",
]
