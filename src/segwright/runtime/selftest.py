"""Does a bundle give here the label maps that it gave where it was made?"""

from dataclasses import dataclass

from segwright.images import read_label
from segwright.runtime.predictor import Predictor


@dataclass(frozen=True)
class SelftestResult:
    """One test picture.

    Attributes:
        image: its path relative to the bundle.
        pixels: how many there are.
        different: how many have another label than expected.
        wanted: share of the pixels that have to agree, 0 to 1.
    """

    image: str
    pixels: int
    different: int
    wanted: float

    @property
    def agreement(self) -> float:
        """Share of the pixels with the expected label, 0 to 1."""
        return 1 - self.different / self.pixels

    @property
    def passed(self) -> bool:
        """Whether enough pixels agree."""
        return self.agreement >= self.wanted


def selftest(predictor: Predictor) -> list[SelftestResult]:
    """Predict the bundle's test pictures and compare with the trained model's label maps beside them."""
    results = []
    for test in predictor.manifest.selftest:
        pred = predictor(predictor.folder / test.image)
        label = read_label(predictor.folder / test.mask)
        different = pred.size if pred.shape != label.shape else int((pred != label).sum())
        results.append(SelftestResult(test.image, pred.size, different, test.agreement))
    return results
