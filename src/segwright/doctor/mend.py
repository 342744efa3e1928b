"""A corrected copy of a data set, beside the original, which stays as it is."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwright import atomic
from segwright.config.dump import to_yaml
from segwright.convert.work import convert_files
from segwright.datasets import Pair, SegmentationDataset
from segwright.doctor.case import TRAIN, Case
from segwright.doctor.observation import Observation
from segwright.doctor.remedy import Remedy, remedies
from segwright.errors import ConfigError
from segwright.images import Palette, default_palette, read_image, write_image, write_label_map

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
class Treatment:
    """A pair to be written; plain data, for it travels to another process."""

    pair: Pair
    remedy: Remedy
    image: Path
    label: Path
    palette: Palette
    bit_depth: int | None

    @property
    def source(self) -> Path:
        """The picture."""
        return self.pair.image

    @property
    def results(self) -> tuple[Path, ...]:
        """Picture and label map."""
        return (self.image, self.label)


def mend(case: Case, out: Path, *, num_workers: int = 0) -> Mended:
    """Write pictures, label maps, lists and a configuration that names them.

    Args:
        case: all pairs seen.
        out: a folder that is new or empty.
        num_workers: processes.

    Raises:
        ConfigError: the folder holds something, not all pairs were looked at, or the data cannot be copied.
        OutputError: the folder cannot be written to.
    """
    if case.config is None or not case.datasets:
        raise ConfigError("--fix copies data, and none could be read: mend what the findings say of the configuration")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--fix {out}: the folder is not empty; give a new one, the original stays as it is")
    for section, dataset in case.datasets.items():
        if not case.is_whole(section):
            raise ConfigError("--fix needs all pairs; leave --sample out")
        if dataset.multilabel or any(isinstance(dataset.stored(pair.image), bytes) for pair in dataset.pairs[:1]):
            raise ConfigError(f"--fix cannot copy {section}: it is packed, or its label files hold several maps")
    atomic.ensure_folder(out)
    chosen = remedies(case)
    pictures = folder_in_common([seen.pair.image for seen in case.everything])
    maps = folder_in_common([seen.pair.label for seen in case.everything if seen.pair.label])
    dropped = [
        (str(seen.pair.image), remedy.drop)
        for section, pairs in case.seen.items()
        for seen, remedy in zip(pairs, chosen[section], strict=True)
        if remedy.drop
    ]
    changed = kept = 0
    for section, pairs in case.seen.items():
        jobs = [
            _treatment(seen, remedy, case.datasets[section], out, pictures, maps)
            for seen, remedy in zip(pairs, chosen[section], strict=True)
            if not remedy.drop
        ]
        report = convert_files(jobs, treat, num_workers=num_workers, title="writing the copy")
        dropped += [(str(path), reason) for path, reason in report.failures]
        failed = {path for path, _ in report.failures}
        whole = [job for job in jobs if job.source not in failed]
        changed += sum(bool(job.remedy.image or job.remedy.read) for job in whole)
        kept += sum(not (job.remedy.image or job.remedy.read) for job in whole)
        _write_list(out / LISTS[section], [(job.image, job.label) for job in whole], out)
    config = out / "config.yml"
    atomic.write_text(config, to_yaml(_config(case, out)))
    return Mended(config, changed, kept, dropped)


def treat(job: Treatment) -> None:
    """Write a picture and its label map; a ``DataError`` if it turns out that they cannot be mended."""
    assert job.pair.label is not None
    if job.remedy.read:
        write_label_map(job.label, job.remedy.read(job.pair.label), job.palette)
    else:
        _copy(job.pair.label, job.label)
    if job.remedy.image:
        write_image(job.image, read_image(job.pair.image, bit_depth=job.bit_depth))
    else:
        _copy(job.pair.image, job.image)


def _treatment(
    seen: Observation, remedy: Remedy, dataset: SegmentationDataset, out: Path, pictures: Path, maps: Path
) -> Treatment:
    assert seen.pair.label
    assert seen.image
    image = out / "images" / seen.pair.image.absolute().relative_to(pictures)
    label = out / "labels" / seen.pair.label.absolute().relative_to(maps)
    if remedy.image:
        image = image.with_suffix(".jpg" if seen.image.lossy else ".png")
    palette = dataset.palette or default_palette(dataset.num_classes)
    if remedy.read:
        label = label.with_suffix(".png")
    depth = dataset.bit_depth or (16 if seen.image.bits > 8 else None)
    return Treatment(seen.pair, remedy, image, label, list(palette), depth)


def folder_in_common(paths: Sequence[Path]) -> Path:
    """The deepest folder that all of them lie in."""
    return Path(os.path.commonpath([path.absolute().parent for path in paths]))


def _copy(source: Path, path: Path) -> None:
    with atomic.new_file(path) as part:
        shutil.copyfile(source, part)


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
