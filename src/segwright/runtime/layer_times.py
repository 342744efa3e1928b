"""What an engine says of one of its layers."""

from dataclasses import dataclass

WARMUP, RUNS = 2, 5


@dataclass(frozen=True)
class LayerTime:
    """A layer as an engine computes it, which may be several nodes of the exported file in one.

    Attributes:
        name: the engine's.
        kind: the engine's word for what it does.
        milliseconds: median of ``RUNS`` runs after ``WARMUP`` others.
        nodes: names of the file's nodes that it computes, as far as the engine tells, beginning with the one that it
            is named after; none for what the engine added, such as reordering values in memory.
    """

    name: str
    kind: str
    milliseconds: float
    nodes: tuple[str, ...]
