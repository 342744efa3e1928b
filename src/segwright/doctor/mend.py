"""A corrected copy of a data set, beside the original, which stays as it is."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright import atomic
from segwright.config.dump import to_yaml
from segwright.convert.work import convert_files
from segwright.datasets import SegmentationDataset
from segwright.doctor.case import TRAIN, Case
from segwright.doctor.observation import Observation
from segwright.doctor.remedy import remedies
from segwright.doctor.treatment import Remedy, Treatment, treat
from segwright.errors import ConfigError
from segwright.images import default_palette

LISTS = {TRAIN: "train.txt", "val_dataset": "val.txt"}
PATHS = {TRAIN: "train_path", "val_dataset": "val_path"}


@dataclass(frozen=True)
class Mended:
    """What became of the data.

    Attributes:
        config: configuration of the copy.
        changed: pairs of which a file was changed.
        kept: pairs that were copied as they are.
        dropped: pictures that were left out, and why.
    """

    config: Path
    changed: int
    kept: int
    dropped: list[tuple[str, str]]


@dataclass(frozen=True)
class Places:
    """Where files go: below ``images`` and ``labels`` as they lie below the folder that each kind has in common.

    Attributes:
        out: folder of the copy.
        pictures: folder of all pictures.
        maps: folder of all label maps.
        shared: label maps of several pictures, which get one for each.
    """

    out: Path
    pictures: Path
    maps: Path
    shared: frozenset[Path]

    @classmethod
    def of(cls, case: Case, out: Path) -> "Places":
        """Of all pairs that were looked at."""
        labels = [seen.pair.label for seen in case.everything if seen.pair.label]
        shared = frozenset(path for path, number in Counter(labels).items() if number > 1)
        images = [seen.pair.image for seen in case.everything]
        return cls(out, _folder_in_common(images), _folder_in_common(labels), shared)

    def of_pair(self, seen: Observation) -> tuple[Path, Path]:
        """Picture and label map."""
        assert seen.pair.label
        image = self.out / "images" / _absolute(seen.pair.image).relative_to(self.pictures)
        label = self.out / "labels" / _absolute(seen.pair.label).relative_to(self.maps)
        if seen.pair.label in self.shared:
            label = label.with_name(f"{label.stem}_of_{image.stem}{label.suffix}")
        return image, label


def mend(case: Case, out: Path, *, num_workers: int = 0) -> Mended:
    """Write pictures, label maps, lists and a configuration that names them.

    Args:
        case: all pairs seen.
        out: a folder that is new or empty.
        num_workers: processes.

    Raises:
        ConfigError: the folder holds something, a part of the data could not be read or was not looked at in full, or
            cannot be copied.
        OutputError: the folder cannot be written to.
    """
    check_new(out)
    _check_copyable(case)
    atomic.ensure_folder(out)
    chosen = remedies(case)
    places = Places.of(case, out)
    dropped = [
        (str(seen.pair.image), remedy.drop)
        for section, pairs in case.seen.items()
        for seen, remedy in zip(pairs, chosen[section], strict=True)
        if remedy.drop
    ]
    jobs = {
        section: [
            _treatment(seen, remedy, case.datasets[section], places)
            for seen, remedy in zip(pairs, chosen[section], strict=True)
            if not remedy.drop
        ]
        for section, pairs in case.seen.items()
    }
    every = [job for some in jobs.values() for job in some]  # together, so that no two become one file
    report = convert_files(every, treat, num_workers=num_workers, title="writing the copy")
    dropped += [(str(path), reason) for path, reason in report.failures]
    failed = {path for path, _ in report.failures}
    whole = {section: [job for job in some if job.source not in failed] for section, some in jobs.items()}
    for section, some in whole.items():
        _write_list(out / LISTS[section], [(job.image, job.label) for job in some], out)
    config = out / "config.yml"
    atomic.write_text(config, to_yaml(_config(case, out)))
    changes = [job.remedy.changes for some in whole.values() for job in some]
    return Mended(config, sum(changes), len(changes) - sum(changes), dropped)


def check_new(out: Path) -> None:
    """Raise a ``ConfigError`` unless a folder is new or empty."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--fix {out}: the folder is not empty; give a new one, the original stays as it is")


def _check_copyable(case: Case) -> None:
    sections = [section for section in LISTS if case.config is None or case.config.section(section)]
    unread = [section for section in sections if section not in case.datasets]
    if unread:
        raise ConfigError(f"--fix copies the data, and {unread[0]} could not be read: mend first what was found there")
    for section, dataset in case.datasets.items():
        if not case.is_whole(section):
            raise ConfigError("--fix needs all pairs; leave --sample out")
        if dataset.multilabel or any(isinstance(dataset.stored(pair.image), bytes) for pair in dataset.pairs[:1]):
            raise ConfigError(f"--fix cannot copy {section}: it is packed, or its label files hold several maps")


def _treatment(seen: Observation, remedy: Remedy, dataset: SegmentationDataset, places: Places) -> Treatment:
    assert seen.image
    image, label = places.of_pair(seen)
    if remedy.image:
        image = image.with_suffix(".jpg" if seen.image.lossy else ".png")
    if remedy.read:
        label = label.with_suffix(".png")
    palette = list(dataset.palette or default_palette(dataset.num_classes))
    depth = dataset.bit_depth or (16 if seen.image.bits > 8 else None)
    return Treatment(seen.pair, remedy, image, label, palette, depth)


def _folder_in_common(paths: Sequence[Path]) -> Path:
    """The deepest folder that all of them lie in."""
    return Path(os.path.commonpath([_absolute(path).parent for path in paths]))


def _absolute(path: Path) -> Path:
    """Without ``..``, which would lead out of the copy; links keep their names."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links


def _write_list(path: Path, pairs: Sequence[tuple[Path, Path]], root: Path) -> None:
    """With tabs, which no name holds."""
    lines = ["\t".join(file.relative_to(root).as_posix() for file in pair) for pair in pairs]
    atomic.write_text(path, "".join(f"{line}\n" for line in lines))


def _config(case: Case, out: Path) -> dict[str, Any]:
    """The configuration with data sets that name the copy."""
    assert case.config is not None
    data = case.config.to_dict()
    for section, dataset in case.datasets.items():
        old = data[section]
        new = {
            "type": "Dataset",
            "dataset_root": str(out.absolute()),
            PATHS[section]: LISTS[section],
            "num_classes": dataset.num_classes,
            "ignore_index": dataset.ignore_index,
            "transforms": old.get("transforms", []),
        }
        if dataset.class_names:
            new["class_names"] = list(dataset.class_names)
        new |= {key: old[key] for key in ("mode", "edge", "img_channels") if key in old}
        data[section] = new
    return data
