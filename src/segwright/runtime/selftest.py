"""Does a bundle give here the label maps that it gave where it was made?"""

from dataclasses import dataclass

from segwright.images import read_label
from segwright.runtime.predictor import Predictor

AGREEMENT = 0.999  # another processor may decide a tie between two classes the other way


@dataclass(frozen=True)
class SelftestResult:
    """One test picture.

    Attributes:
        image: its path relative to the bundle.
        pixels: how many there are.
        different: how many have another label than expected.
    """

    image: str
    pixels: int
    different: int

    @property
    def agreement(self) -> float:
        """Share of the pixels with the expected label, 0 to 1."""
        return 1 - self.different / self.pixels

    @property
    def passed(self) -> bool:
        """Whether at least ``AGREEMENT`` of the pixels agree."""
        return self.agreement >= AGREEMENT


def selftest(predictor: Predictor) -> list[SelftestResult]:
    """Predict the bundle's test pictures and compare with the trained model's label maps beside them."""
    results = []
    for test in predictor.manifest.selftest:
        pred = predictor(predictor.folder / test.image)
        label = read_label(predictor.folder / test.mask)
        different = pred.size if pred.shape != label.shape else int((pred != label).sum())
        results.append(SelftestResult(test.image, pred.size, different))
    return results
