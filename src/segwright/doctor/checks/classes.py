"""How often each class occurs: never, hardly ever, or far more often than others."""

from collections.abc import Iterator

import numpy as np

from segwright.datasets.survey import absence, absent_classes, nothing_to_learn
from segwright.doctor.case import TRAIN, Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.registry import check
from segwright.doctor.words import labels, listed, shown

TINY = 5e-4  # share of the pixels below which a class is hardly ever seen
FEW = 3  # pictures that hold a class
UNEVEN = 10  # the commonest class to the rarest


@check(brief=False)
def absent(case: Case) -> Iterator[Finding]:
    """Classes that a part of the data does not hold at all."""
    for section, dataset in case.datasets.items():
        pairs = [seen for seen in case.seen[section] if seen.pixels]
        all_read = case.is_whole(section) and len(pairs) == len(case.seen[section])
        files_with: dict[int, int] = {}
        for seen in pairs:
            for value in seen.pixels:
                files_with[value] = files_with.get(value, 0) + 1
        if not pairs:
            continue
        bare = nothing_to_learn(dataset, files_with, len(pairs))
        if bare:
            yield Finding(
                kind="label-nothing",
                level=Level.ERROR,
                title=f"The label maps of {section} hold no object",
                measured=bare,
                suggestion="Translate the ids; --fix DIR writes such a copy.",
                snippet=f"segwright data remap LABELS OUT --ids {dataset.ignore_index}:1",
                files=labels(pairs),
                shown=shown(pairs),
            )
            continue
        missing = absent_classes(dataset, files_with)
        if missing and all_read:
            training = section == TRAIN
            yield Finding(
                kind=f"class-absent-{dataset.mode}",
                level=Level.WARNING,
                title=f"{section} lacks {listed([case.names[value] for value in missing])}",
                measured=absence(dataset, missing, len(pairs)),
                suggestion="The model cannot learn what it never sees: add such pictures, or take the class out."
                if training
                else "Its IoU cannot be measured; divide the pictures so that each part has all classes.",
                snippet="" if training else "segwright data split LIST --stratify",
            )


@check(brief=False)
def rare(case: Case) -> Iterator[Finding]:
    """Classes that are there and can hardly be learned."""
    if TRAIN not in case.datasets or case.datasets[TRAIN].multilabel or not case.is_whole(TRAIN):
        return
    pixels = case.balance(TRAIN).pixels
    total = max(1, int(pixels.sum()))
    for value in np.flatnonzero(pixels > 0).tolist():
        holding = [seen for seen in case.seen[TRAIN] if seen.pixels.get(value)]
        few = len(holding) <= FEW and len(holding) < 0.1 * len(case.seen[TRAIN])
        if pixels[value] / total >= TINY and not few:
            continue
        yield Finding(
            kind="class-tiny",
            level=Level.WARNING,
            title=f"There is hardly any {case.names[value]} to learn from",
            measured=f"it has {pixels[value]:,} of {total:,} training pixels ({pixels[value] / total:.4%}), "
            f"in {len(holding)} of {len(case.seen[TRAIN])} pictures",
            suggestion="Add pictures that show it, merge it with another class, or give it more weight (see below).",
            files=labels(holding),
            shown=shown(holding),
        )


@check(brief=False)
def uneven(case: Case) -> Iterator[Finding]:
    """Weights that make up for rare classes."""
    if TRAIN not in case.datasets or case.datasets[TRAIN].multilabel:
        return
    balance = case.balance(TRAIN)
    present = balance.pixels[balance.pixels > 0]
    if len(present) < 2 or present.max() < UNEVEN * present.min():
        return
    order = np.argsort(-balance.pixels)
    total = int(balance.pixels.sum())
    shares = [f"{case.names[value]} {balance.pixels[value] / total:.2%}" for value in order.tolist()]
    yield Finding(
        kind="class-balance",
        level=Level.INFO,
        title="Classes differ much in size",
        measured=f"share of the training pixels: {listed(shares, 20)}",
        suggestion="If the rare classes score badly, give them more weight in the loss. These are median frequency "
        "weights; 'weight: median' counts them at each start.",
        snippet=f"weight: {balance.median_weights()}",
    )
