"""What a model says of a picture, and how that looks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segwright.engine.inference import decide
from segwright.errors import ConfigError
from segwright.images import (
    BACKGROUND,
    LegendEntry,
    Palette,
    compare,
    custom_palette,
    default_palette,
    overlay,
    overlay_maps,
    topmost,
    with_legend,
)


class Colours(NamedTuple):
    """Colours that are asked for: of all classes, and, stronger, r g b r g b ... of the first."""

    palette: Palette | None = None
    custom: Sequence[int] = ()

    def completed(self, default: Palette) -> Palette:
        """One for each class; ``default`` where none is asked for."""
        first = custom_palette(self.custom, 0) if self.custom else []
        asked = [*first, *(self.palette or ())[len(first) :]]
        return [*asked, *default[len(asked) :]][: len(default)]


@dataclass(frozen=True)
class Answer:
    """What a model says of a picture of H x W pixels, without the classes that stand for the absence of others.

    Attributes:
        ids: (H, W) uint8 or int32: the class of each pixel; where a pixel may have several or none, 0 for none and
            k + 1 for the last class k.
        maps: (H, W, K) uint8 of 0 and 1 where a pixel may have several classes, else None.
        num_classes: K.
        probabilities: (K, H, W) float16, if asked for.
        confidence: mean over the pixels of the probability of what is said, 0..1, if asked for.
    """

    ids: np.ndarray
    maps: np.ndarray | None
    num_classes: int
    probabilities: np.ndarray | None = None
    confidence: float | None = None

    @classmethod
    def of(
        cls,
        logits: Tensor,
        *,
        multilabel: bool = False,
        num_auxiliary: int = 0,
        probabilities: bool = False,
        confidence: bool = False,
    ) -> "Answer":
        """Decide on (1, C, H, W) logits; with ``multilabel`` without the first ``num_auxiliary`` classes."""
        probs = None
        if probabilities or confidence:
            probs = (logits.sigmoid() if multilabel else logits.softmax(dim=1))[0, num_auxiliary:]
        maps = None
        if multilabel:
            found = decide(logits, multilabel=True)[0, num_auxiliary:]
            maps = found.permute(1, 2, 0).to(torch.uint8).cpu().numpy()
            ids = topmost(maps)
        else:
            ids = decide(logits)[0].to(torch.uint8 if logits.shape[1] <= 256 else torch.int32).cpu().numpy()
        sure = None
        if confidence and probs is not None:
            sure = float((torch.maximum(probs, 1 - probs) if multilabel else probs.amax(dim=0)).double().mean())
        half = probs.half().cpu().numpy() if probabilities and probs is not None else None
        return cls(ids, maps, logits.shape[1] - num_auxiliary, half, sure)

    def shares(self) -> list[float]:
        """For each class, how much of the picture it takes, 0..1."""
        if self.maps is not None:
            return self.maps.mean(axis=(0, 1)).tolist()
        return (np.bincount(self.ids.ravel(), minlength=self.num_classes) / self.ids.size).tolist()

    def masks(self) -> Iterator[tuple[int, np.ndarray]]:
        """Number and (H, W) mask of each class that occurs."""
        if self.maps is None:
            for class_id in np.unique(self.ids).tolist():
                yield class_id, self.ids == class_id
        else:
            for class_id in range(self.num_classes):
                if self.maps[:, :, class_id].any():
                    yield class_id, self.maps[:, :, class_id]


class Look:
    """Names and colours of the classes, and pictures made with them.

    Args:
        num_classes: as in an answer.
        colours: those that are asked for.
        class_names: one for each class; default: ``class 0``, ``class 1`` and so on.
        multilabel: a pixel may have several classes, or none.

    Raises:
        ConfigError: another number of names than of classes.
    """

    def __init__(
        self, num_classes: int, colours: Colours, class_names: Sequence[str] | None = None, *, multilabel: bool = False
    ) -> None:
        if class_names is not None and len(class_names) != num_classes:
            raise ConfigError(f"there are {len(class_names)} class names, but the model predicts {num_classes} classes")
        self.names = tuple(class_names or (f"class {number}" for number in range(num_classes)))
        default = default_palette(num_classes + 1)[1:] if multilabel else default_palette(num_classes)
        self.palette = colours.completed(default)
        self.id_palette = [BACKGROUND, *self.palette] if multilabel else self.palette

    def overlay(self, image: np.ndarray, answer: Answer) -> np.ndarray:
        """The classes in colour over the picture, (H, W, 3) uint8 RGB as it is."""
        if answer.maps is not None:
            return overlay_maps(image, answer.maps, self.palette)
        return overlay(image, answer.ids, self.palette)

    def overlay_with_legend(self, image: np.ndarray, answer: Answer) -> np.ndarray:
        """The overlay, and beside or below it the names and shares of the classes that occur, the largest first."""
        shares = answer.shares()
        order = sorted((number for number, share in enumerate(shares) if share), key=lambda number: -shares[number])
        entries = [self._entry(number, _percent(shares[number])) for number in order]
        return with_legend(self.overlay(image, answer), entries)

    def overlay_with_all_names(self, image: np.ndarray, answer: Answer) -> np.ndarray:
        """The overlay with a legend of all classes, which is the same for each frame of a video."""
        return with_legend(self.overlay(image, answer), [self._entry(number) for number in range(len(self.names))])

    def comparison(self, image: np.ndarray, truth: np.ndarray, answer: Answer) -> np.ndarray:
        """Truth, prediction and difference side by side; ``truth`` is (H, W) ids."""
        present = np.union1d(truth, answer.ids).tolist()
        entries = [self._entry(number) for number in present if 0 <= number < len(self.names)]
        return compare(image, truth, answer.ids, self.palette, entries)

    def is_background(self, class_id: int) -> bool:
        """Whether the class has the colour of the background, which overlays do not show."""
        return tuple(self.palette[class_id]) == BACKGROUND

    def _entry(self, class_id: int, note: str = "") -> LegendEntry:
        return LegendEntry(self.names[class_id], self.palette[class_id], note)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else "< 0.1 %"
