"""What the trained model gives pictures, and how far others agree with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from segwright.bundle import Preprocessing, label_map
from segwright.export.deployed import Deployed
from segwright.export.verify import Case, logit_tolerance, margin
from segwright.images import read_image
from segwright.types import Size


@dataclass(frozen=True)
class Agreement:
    """Label maps beside those of the trained model.

    Attributes:
        pixels: pixels compared.
        equal: of them, with the same label.
        ties: near-ties.
        different: pixels with another label that are no near-ties.
    """

    pixels: int
    equal: int
    ties: int
    different: int

    @property
    def away(self) -> float:
        """Share of equal labels among the pixels that are no near-ties, 0..1."""
        return 1 - self.different / max(self.pixels - self.ties, 1)


@dataclass(frozen=True)
class Reference:
    """The trained model's label maps at the pictures' size.

    Attributes:
        labels: (H, W) class ids of each picture.
        ties: (H, W) bool of each: the two best logits are within ``near`` of each other.
        near: twice the difference of a logit that is allowed, as when an export is verified.
        num_classes: classes that the model tells apart.
        size: of the network's input for the first picture.
    """

    labels: list[np.ndarray]
    ties: list[np.ndarray]
    near: float
    num_classes: int
    size: Size

    @classmethod
    def of(cls, model: nn.Module, preprocess: Preprocessing, pictures: Sequence[Path]) -> "Reference":
        """Predict pictures with the model itself, by the way that its exports go."""
        deployed = Deployed(model, "argmax")
        items = [preprocess(read_image(picture)) for picture in pictures]
        cases = [Case.of(deployed, item.tensor[None]) for item in items]
        near = 2 * logit_tolerance(cases)
        ties = [(margin(case.logits) <= near).astype(np.int32) for case in cases]
        return cls(
            labels=[label_map(case.output[0], item.geometry) for case, item in zip(cases, items, strict=True)],
            ties=[label_map(tie[0], item.geometry) == 1 for tie, item in zip(ties, items, strict=True)],
            near=near,
            num_classes=cases[0].logits.shape[1],
            size=items[0].size,
        )

    def compare(self, labels: Sequence[np.ndarray]) -> Agreement:
        """How far label maps of the same pictures agree.

        Raises:
            ValueError: they are of other sizes, or not as many.
        """
        if [label.shape for label in labels] != [label.shape for label in self.labels]:
            raise ValueError("these label maps are not of the same pictures as the trained model's")
        same = [found == wanted for found, wanted in zip(labels, self.labels, strict=True)]
        return Agreement(
            pixels=sum(one.size for one in same),
            equal=sum(int(one.sum()) for one in same),
            ties=sum(int(tie.sum()) for tie in self.ties),
            different=sum(int((~one & ~tie).sum()) for one, tie in zip(same, self.ties, strict=True)),
        )
