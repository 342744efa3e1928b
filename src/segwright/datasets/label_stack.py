"""Label files in which a pixel may have several labels, checked as they are read."""

import numpy as np

from segwright.datasets.label_check import LabelCheck
from segwright.datasets.list_file import Pair
from segwright.errors import ConfigError, DataError
from segwright.images import split_maps
from segwright.types import Size


class StackCheck(LabelCheck):
    """Refuses maps with other numbers than 0, 1 and ``ignore_index``."""

    def __init__(self, ignore_index: int) -> None:
        super().__init__(2, ignore_index)

    def _expected(self) -> str:
        return f"maps of several labels hold 0 (no), 1 (yes) or {self.ignore_index} (ignore_index)"

    def _likely_cause(self, ids: list[int], bad: list[int]) -> str:
        if len(ids) <= 2 and len(bad) == 1:
            return f"it looks like maps that show yes as {bad[0]}: save yes as 1"
        return "class ids belong into label maps of one label a pixel, read without --use_multilabel (multilabel: True)"


class LabelStacks:
    """Parts the files of a multi-label data set into one map for each class.

    Such a file holds, in one channel, a map of 0 and 1 for each class, all of the picture's size, side by side in the
    order of the classes (or one below the other), as PaddleSeg's ``tools/data/convert_multilabel.py`` writes them.

    Args:
        num_maps: maps that a file holds.
        ignore_index: value of pixels that do not count for a class.

    Raises:
        ConfigError: there is no map, or ``ignore_index`` is itself an answer.
    """

    def __init__(self, num_maps: int, ignore_index: int) -> None:
        if num_maps < 1:
            raise ConfigError(
                "num_classes leaves no class for the label files: it is the number of their maps, and one more with "
                "AddMultiLabelAuxiliaryCategory"
            )
        if ignore_index in (0, 1):
            raise ConfigError(
                f"ignore_index is {ignore_index}, but with several labels a pixel 0 and 1 are the answers: take 255"
            )
        self.num_maps = num_maps
        self._check_values = StackCheck(ignore_index)

    def __call__(self, stored: np.ndarray, pair: Pair, size: Size) -> np.ndarray:
        """(H, W, ``num_maps``) uint8 from the file's content and the size of its picture.

        Raises:
            DataError: the file does not hold so many maps of the picture's size, or other numbers.
        """
        maps = split_maps(stored, size)
        if maps is None or maps.shape[2] != self.num_maps:
            raise DataError(self._explain(pair, size, Size.of(stored), maps))
        self._check_values(stored, pair.label)
        return maps

    def _explain(self, pair: Pair, image: Size, label: Size, maps: np.ndarray | None) -> str:
        wanted = Size(image.height, image.width * self.num_maps)
        message = (
            f"{pair.image} is {image}, so that {pair.label} should be {wanted} (width x height) with the maps of "
            f"{self.num_maps} classes side by side, but is {label}"
        )
        if maps is None:
            return f"{message}; write the maps at the size of the picture"
        if maps.shape[2] == 1:
            return (
                f"{message}: a single map, perhaps of class ids; leave out --use_multilabel (multilabel: True) if each "
                "pixel has one label"
            )
        return (
            f"{message}, which makes {maps.shape[2]} maps; num_classes is their number, and one more with "
            "AddMultiLabelAuxiliaryCategory"
        )
