"""Whether the numbers that reach the model are about what models expect."""

from collections.abc import Iterator

import numpy as np

from segwright.datasets import SegmentationDataset
from segwright.doctor.case import TRAIN, VAL, Case
from segwright.doctor.finding import Finding, Level
from segwright.doctor.registry import check
from segwright.transforms import Normalize

FAR = 1.5  # of a channel's mean from 0, after Normalize
SPREAD = (0.15, 4.0)  # of the most varied channel's standard deviation after Normalize


@check(brief=True)
def off_scale(case: Case) -> Iterator[Finding]:
    """Means far from 0, or deviations far from 1; one dull channel is no fault."""
    dataset = case.datasets.get(TRAIN)
    pairs = [seen for seen in case.seen.get(TRAIN, []) if seen.mean is not None and seen.square is not None]
    if dataset is None or not pairs or dataset.transforms.img_channels != 3:
        return
    mean = _mean([seen.mean for seen in pairs])
    deviation = np.sqrt(np.maximum(_mean([seen.square for seen in pairs]) - mean**2, 0))
    snippet = f"- type: Normalize\n  mean: {_short(mean)}\n  std: {_short(np.maximum(deviation, 0.01))}"
    steps = _normalize(dataset)
    if not steps:
        yield Finding(
            kind="normalize-missing",
            level=Level.WARNING,
            title="train_dataset does not normalise its pictures",
            measured=f"{case.where(TRAIN, 'transforms')}: no Normalize, so the model gets values from 0 to 255",
            suggestion="End the transforms of train_dataset and val_dataset with Normalize.",
            snippet=snippet,
        )
        return
    made, spread = (mean - steps[-1].mean) / steps[-1].std, deviation / steps[-1].std
    if np.abs(made).max() > FAR or not SPREAD[0] <= spread.max() <= SPREAD[1]:
        yield Finding(
            kind="normalize-off",
            level=Level.WARNING,
            title="Normalize does not fit the pictures",
            measured=f"after it, means of the channels are {_short(made)} and standard deviations {_short(spread)}, "
            f"over {len(pairs)} pictures; about 0 and 1 are wanted",
            suggestion="mean and std are of values from 0 to 1. These are the pictures' own; with pretrained weights "
            "take those that the weights were trained with.",
            snippet=snippet,
        )


@check(brief=True)
def unlike(case: Case) -> Iterator[Finding]:
    """Training and validation data that are normalised differently."""
    if TRAIN not in case.datasets or VAL not in case.datasets:
        return
    train, val = ([(step.mean, step.std) for step in _normalize(case.datasets[key])] for key in (TRAIN, VAL))
    if train != val:
        yield Finding(
            kind="normalize-differs",
            level=Level.ERROR,
            title="Training and validation pictures are normalised differently",
            measured=f"{case.where(TRAIN, 'transforms')}: {_say(train)}; {case.where(VAL, 'transforms')}: {_say(val)}",
            suggestion="Make them equal; export takes that of val_dataset, so the deployed model would be wrong, too.",
        )


def _normalize(dataset: SegmentationDataset) -> list[Normalize]:
    return [step for step in dataset.transforms.transforms if isinstance(step, Normalize)]


def _say(steps: list[tuple[tuple[float, ...], tuple[float, ...]]]) -> str:
    return ", ".join(f"mean {list(mean)}, std {list(std)}" for mean, std in steps) or "no Normalize"


def _mean(rows: list[np.ndarray | None]) -> np.ndarray:
    return np.stack([row for row in rows if row is not None]).mean(axis=0)


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.3g}") for value in values]
