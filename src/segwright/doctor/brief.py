"""A short look at the start of training, which takes seconds."""

import logging
from collections.abc import Mapping

from segwright.config import Config
from segwright.datasets import SegmentationDataset
from segwright.doctor.case import Case, examine, look
from segwright.doctor.finding import Finding, Level

SAMPLE = 8  # pairs of each part

log = logging.getLogger("segwright")


def brief_look(config: Config, datasets: Mapping[str, SegmentationDataset], sample: int = SAMPLE) -> list[Finding]:
    """Warn of what a few pairs show and training does not say itself; nothing here stops it.

    Args:
        config: as loaded.
        datasets: by section.
        sample: pairs of each to read, spread over it.

    Returns:
        What was warned of.
    """
    case = Case(datasets, look(datasets, sample=sample), config)
    found = [finding for finding in examine(case, brief=True) if finding.level > Level.INFO]
    for finding in found:
        log.warning("%s: %s. %s", finding.title, finding.measured, finding.suggestion)
    if found:
        log.warning("that was seen in %d pairs; 'segwright doctor %s' looks at all", len(case.everything), config.path)
    return found
