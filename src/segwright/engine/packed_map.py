"""Label maps that wait in memory."""

import zlib
from typing import NamedTuple

import numpy as np


class PackedMap(NamedTuple):
    """An array of ids or of True and False, compressed: of label maps a few hundredths remain."""

    data: bytes
    shape: tuple[int, ...]
    kind: str

    @classmethod
    def of(cls, array: np.ndarray) -> "PackedMap":
        """Compress a copy of the array."""
        return cls(zlib.compress(array.tobytes(), level=1), array.shape, array.dtype.str)

    def array(self) -> np.ndarray:
        """The array as it was; read-only."""
        return np.frombuffer(zlib.decompress(self.data), self.kind).reshape(self.shape)
