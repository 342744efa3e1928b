"""Which layers stay in float32 for a quantised model to keep its score: as few as will do."""

from collections.abc import Callable, Sequence


def fewest_kept(loss: Callable[[Sequence[str]], float], ranked: Sequence[str], most: float) -> list[str]:
    """The shortest beginning of ``ranked`` that brings the loss to ``most``, found in about 2 log2(n) measurements.

    From one, the number is doubled until the loss is small enough; then the last doubling is halved. The loss need not
    fall with every layer, so a shorter beginning may be overlooked; what is returned was measured.

    Args:
        loss: measures with these layers kept; with none it is known to be too much.
        ranked: the layers, those first that are expected to help most.
        most: what may be lost.

    Returns:
        The layers to keep; all of them if nothing else will do.
    """
    few, enough = 0, min(1, len(ranked))
    while enough < len(ranked) and loss(ranked[:enough]) > most:
        few, enough = enough, min(2 * enough, len(ranked))
    while enough - few > 1:
        middle = (few + enough) // 2
        if loss(ranked[:middle]) > most:
            few = middle
        else:
            enough = middle
    return list(ranked[:enough])
