"""A configuration with its data, as the checks see them, and the way through all checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from segwright.config import Config
from segwright.convert.work import convert_files
from segwright.datasets import ClassBalance, SegmentationDataset
from segwright.datasets.survey import spread
from segwright.doctor.finding import Finding
from segwright.doctor.observation import Observation, glances, observe, unseen, without_pairs

TRAIN, VAL = "train_dataset", "val_dataset"


@dataclass
class Case:
    """What is known.

    Attributes:
        datasets: by section of the configuration; those that could be built.
        seen: the pairs that were looked at, by section, in the order of the data set.
        config: None where it could not be loaded.
        heard: findings of the way here.
    """

    datasets: Mapping[str, SegmentationDataset]
    seen: Mapping[str, list[Observation]]
    config: Config | None = None
    heard: list[Finding] = field(default_factory=list)

    @property
    def everything(self) -> list[Observation]:
        """The pairs of all sections."""
        return [seen for section in self.seen.values() for seen in section]

    def is_whole(self, section: str) -> bool:
        """Whether all pairs of a section were looked at."""
        return len(self.seen[section]) == len(self.datasets[section])

    @cached_property
    def names(self) -> list[str]:
        """A name for each class."""
        dataset = next(iter(self.datasets.values()))
        return list(dataset.class_names or (f"class {value}" for value in range(dataset.num_classes)))

    def balance(self, section: str) -> ClassBalance:
        """Pixels of each class."""
        dataset = self.datasets[section]
        rows = [[seen.pixels.get(value, 0) for value in range(dataset.num_classes)] for seen in self.seen[section]]
        table = np.array(rows, np.int64).reshape(-1, dataset.num_classes)
        return ClassBalance(table.sum(axis=0), ((table > 0) * table.sum(axis=1, keepdims=True)).sum(axis=0))

    def where(self, section: str, *path: str | int) -> str:
        """File, line and key of a place in the configuration."""
        return self.config.source.where(section, *path) if self.config else section


def look(
    datasets: Mapping[str, SegmentationDataset], *, sample: int | None = None, num_workers: int = 0
) -> dict[str, list[Observation]]:
    """Read pairs, each once.

    Args:
        datasets: by section.
        sample: how many of each, spread over it; None for all.
        num_workers: processes.
    """
    jobs = [
        glance
        for section, dataset in datasets.items()
        for glance in glances(section, dataset, list(spread(len(dataset), sample or len(dataset))))
    ]
    work = partial(observe, {section: without_pairs(dataset) for section, dataset in datasets.items()})
    report = convert_files(jobs, work, num_workers=num_workers, title="looking at the data")
    done = {(seen.split, seen.index): seen for seen in report.done}
    reasons = dict(report.failures)
    seen = [done.get((job.split, job.index)) or unseen(job, reasons[job.source]) for job in jobs]
    return {section: [one for one in seen if one.split == section] for section in datasets}


def examine(case: Case, *, brief: bool = False) -> list[Finding]:
    """All findings, the worst first; ``brief`` leaves out checks of what training itself says.

    Args:
        case: what is known.
        brief: as at the start of training.
    """
    from segwright.doctor.checks import CHECKS

    found: Iterable[Finding] = (
        finding for check in CHECKS if check.brief or not brief for finding in check.function(case)
    )
    return sorted([*case.heard, *found], key=lambda finding: (-finding.level, finding.kind))
