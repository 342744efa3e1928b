"""The findings as a page, with pictures."""

from collections.abc import Sequence
from pathlib import Path

from segwright.doctor.case import TRAIN, Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.observation import Observation
from segwright.errors import DataError
from segwright.images import Palette, default_palette, read_image, read_label
from segwright.report.data import Tile
from segwright.report.doctor_page import ClassShare, DoctorData, ShownFinding, ShownPair, write_doctor


def write_findings(path: Path, case: Case, findings: Sequence[Finding], lead: str, environment: dict[str, str]) -> None:
    """Write the page; an older one stays whole until the new one replaces it.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    counts = {level: sum(finding.level == level for finding in findings) for level in Level}
    palette = next((dataset.palette for dataset in case.datasets.values() if dataset.palette), None)
    parts = {section.removesuffix("_dataset"): len(pairs) for section, pairs in case.seen.items()}
    data = DoctorData(
        title=f"Doctor: {case.config.path.name if case.config and case.config.path else 'configuration'}",
        lead=lead,
        tiles=[
            Tile("Errors", str(counts[Level.ERROR])),
            Tile("Warnings", str(counts[Level.WARNING])),
            Tile("Notes", str(counts[Level.INFO])),
            *(Tile(part, str(number), "pairs looked at") for part, number in parts.items()),
        ],
        findings=[_shown(finding, palette or default_palette(256)) for finding in findings],
        classes=_classes(case, palette),
        parts=list(parts),
        environment=environment,
    )
    write_doctor(path, data)


def _shown(finding: Finding, palette: Palette) -> ShownFinding:
    return ShownFinding(
        kind=finding.kind,
        level=str(finding.level),
        title=finding.title,
        measured=finding.measured,
        suggestion=finding.suggestion,
        snippet=finding.snippet,
        files=list(finding.files),
        pairs=[pair for seen in finding.shown if (pair := _pair(seen, palette))],
    )


def _pair(seen: Observation, palette: Palette) -> ShownPair | None:
    """What can be drawn of a pair; None where nothing can."""
    if seen.size is None or not seen.pair.image.is_file():
        return None
    try:
        image = read_image(seen.pair.image, bit_depth=16)
        label = None
        if seen.pair.label is not None and seen.label_size is not None:
            label = read_label(seen.pair.label)
    except DataError:
        return None
    return ShownPair(str(seen.pair.image), image, label, palette)


def _classes(case: Case, palette: Palette | None) -> list[ClassShare]:
    """A row for each class, from the counts of both parts."""
    if any(dataset.multilabel for dataset in case.datasets.values()) or not case.datasets:
        return []
    balances = {section: case.balance(section) for section in case.datasets}
    weights = balances[TRAIN].median_weights() if TRAIN in balances and balances[TRAIN].pixels.any() else None
    colours = palette or default_palette(len(case.names))
    return [
        ClassShare(
            name=name,
            colour=colours[index] if index < len(colours) else (0, 0, 0),
            shares=[float(balance.pixels[index] / max(1, balance.pixels.sum())) for balance in balances.values()],
            pictures=[sum(bool(seen.pixels.get(index)) for seen in case.seen[section]) for section in balances],
            weight=weights[index] if weights else None,
        )
        for index, name in enumerate(case.names)
    ]
