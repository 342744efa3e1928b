"""A model, and all that stands between a picture and its logits."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from segwright.engine.device import select_device
from segwright.engine.evaluation import evaluating
from segwright.engine.inference import Procedure, infer
from segwright.engine.lanes import Lanes
from segwright.errors import ConfigError, suggest
from segwright.layers.fold import folded
from segwright.transforms import Compose
from segwright.types import Geometry
from segwright.weights import load_weights

log = logging.getLogger("segwright")

R = TypeVar("R")

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Prepared(NamedTuple):
    """A picture as the model takes it: (1, C, H, W) float32, and what the transforms did to the pixels' places."""

    image: Tensor
    geometry: Sequence[Geometry]


class Segmenter:
    """Logits of pictures at their own size.

    Args:
        model: gives a list whose first entry is (1, num_classes, H, W) logits.
        transforms: those of validation, as a list or a ``Compose``.
        procedure: plain, multi-scale and flips, or sliding windows.
        device: ``auto``, ``cpu``, ``gpu``, ``cuda:1`` or ``mps``.
        model_path: weights to load first; None takes the model as it is.
        precision: of the model's convolutions: ``fp32``, ``bf16`` or ``fp16``. A key of ``PRECISIONS``.

    Attributes:
        lanes: how many pictures are computed at once.

    Raises:
        ConfigError: transforms whose effect cannot be undone, no such device or precision.
        WeightsError: the weights are not those of the model.
    """

    def __init__(
        self,
        model: nn.Module,
        transforms: Compose | Sequence[Callable[..., Any]],
        procedure: Procedure | None,
        device: str,
        model_path: str | Path | None = None,
        precision: str = "fp32",
    ) -> None:
        if precision not in PRECISIONS:
            raise ConfigError(f"precision '{precision}': {suggest(precision, PRECISIONS, list_all=True)}")
        self.precision = precision
        if model_path is not None:
            log.info("%s", load_weights(model, Path(model_path)).summary())
        self.device = select_device(device)
        self.model = folded(model.to(self.device))
        self.compose = transforms if isinstance(transforms, Compose) else Compose(transforms)
        self.compose.check_for_prediction()
        self.procedure = procedure or Procedure()
        self.lanes = Lanes(self.device, several=self.procedure == Procedure())

    def prepare(self, rgb: np.ndarray) -> Prepared:
        """From (H, W, 3) uint8 RGB; any thread may call it.

        Raises:
            DataError: a transform cannot do with the picture.
        """
        sample = self.compose(rgb.astype(np.float32), seed=0)
        image = torch.from_numpy(np.ascontiguousarray(sample.image, dtype=np.float32))
        return Prepared(image.permute(2, 0, 1)[None], sample.geometry)  # channels last, without copying

    def answer(self, prepared: Prepared, decide: Callable[[Tensor], R]) -> R:
        """What ``decide`` makes of the (1, num_classes, H, W) float32 logits on the device.

        Within ``ready``; ``lanes.count`` threads may call it at once.
        """
        with self.lanes.share(prepared.image[0, 0].numel()), torch.inference_mode(), self._rounding():
            return decide(infer(self.model, prepared.image.to(self.device), prepared.geometry, self.procedure))

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The model in evaluation mode, without gradients, for the length of a block."""
        with evaluating(self.model), self._rounding():
            try:
                yield
            finally:
                self.lanes.restore()

    def _rounding(self) -> torch.autocast:
        dtype = PRECISIONS[self.precision]
        return torch.autocast(self.device.type, dtype or torch.bfloat16, enabled=dtype is not None)

    def fingerprint(self) -> str:
        """Equal for segmenters that give equal results: of weights, transforms and procedure."""
        digest = hashlib.sha256(f"{self.procedure} {self.precision}".encode())
        for transform in self.compose.transforms:
            digest.update(f"{type(transform).__qualname__} {getattr(transform, '__dict__', '')}".encode())
        for name, tensor in self.model.state_dict().items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return digest.hexdigest()
