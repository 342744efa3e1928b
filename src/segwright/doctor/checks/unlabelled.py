"""Pictures that nobody has labelled: ignored everywhere, nothing but background, or in no list at all."""

from collections.abc import Iterator
from pathlib import Path

from segwright.doctor.case import Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.registry import check
from segwright.doctor.words import count, labels, listed, shown
from segwright.images.listing import IMAGE_SUFFIXES

FORGOTTEN = 0.2  # share of the pictures up to which empty label maps look like forgotten ones


@check(brief=True)
def ignored(case: Case) -> Iterator[Finding]:
    """Label maps whose every pixel is ignored."""
    for section, dataset in case.datasets.items():
        pairs = case.seen[section]
        empty = [seen for seen in pairs if set(seen.pixels) == {dataset.ignore_index}]
        if empty and len(empty) < len(pairs):
            yield Finding(
                kind="label-ignored",
                level=Level.WARNING,
                title=f"{count(len(empty), 'label map')} of {section} with nothing that counts",
                measured=f"all pixels are {dataset.ignore_index} (ignore_index) in {len(empty)} of {len(pairs)}, "
                f"first {empty[0].pair.label}",
                suggestion="Label these pictures, or take them out of the list; they cost time and teach nothing.",
                files=labels(empty),
                shown=shown(empty),
            )


@check(brief=False)
def background_only(case: Case) -> Iterator[Finding]:
    """Label maps with class 0 alone, where nearly all others hold objects."""
    for section, dataset in case.datasets.items():
        pairs = [seen for seen in case.seen[section] if seen.pixels]
        empty = [seen for seen in pairs if set(seen.pixels) - {dataset.ignore_index} == {0}]
        if not empty or dataset.multilabel or len(empty) > FORGOTTEN * len(pairs):
            continue
        yield Finding(
            kind="label-empty",
            level=Level.WARNING,
            title=f"{count(len(empty), 'picture')} of {section} may never have been labelled",
            measured=f"{len(empty)} of {len(pairs)} label maps hold {case.names[0]} alone, all others hold more; "
            f"first {empty[0].pair.label}",
            suggestion="Look at these pictures: if they show objects, label them, or take them out of the list. "
            "Pictures without any object are good to have.",
            files=labels(empty),
            shown=shown(empty),
        )


@check(brief=False)
def unlisted(case: Case) -> Iterator[Finding]:
    """Pictures that lie beside others and are in no list."""
    pairs = [pair for dataset in case.datasets.values() for pair in dataset.pairs]
    used = {path for pair in pairs for path in pair if path is not None}
    folders = {pair.image.parent for pair in pairs} - {pair.label.parent for pair in pairs if pair.label}
    beside = sorted(path for folder in folders for path in _pictures(folder) if path not in used)
    if not beside:
        return
    yield Finding(
        kind="picture-unlisted",
        level=Level.INFO,
        title=f"{count(len(beside), 'picture')} in no list",
        measured=f"{listed([str(folder) for folder in sorted(folders)], 3)} hold {len(beside)} pictures that neither "
        "train_dataset nor val_dataset uses",
        suggestion="Fine for a test set. Otherwise label them and add them to a list.",
        files=tuple(map(str, beside)),
    )


def _pictures(folder: Path) -> Iterator[Path]:
    """Pictures right in a folder; none where it is no folder, as with packed data."""
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
