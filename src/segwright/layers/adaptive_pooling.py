"""Average pooling to a given number of bins, in a form that survives export with free height and width."""

import torch
import torch.nn.functional as F
from torch import Tensor


def adaptive_average(x: Tensor, bins: int) -> Tensor:
    """Averages over a grid of ``bins`` x ``bins`` windows; ``F.adaptive_avg_pool2d``, which see.

    Its translation to ONNX copies the windows of the example picture into the graph, where they are wrong for any
    other size. While a graph is traced, the same averages are hence products with two matrices that the graph
    computes from the size.

    Args:
        x: (N, C, H, W) features.
        bins: windows along each side.

    Returns:
        (N, C, bins, bins) tensor.
    """
    if bins == 1 or not torch.compiler.is_compiling():
        return F.adaptive_avg_pool2d(x, bins)
    height, width = x.shape[-2:]
    return _window_weights(height, bins, x) @ x @ _window_weights(width, bins, x).T


def _window_weights(size: int, bins: int, like: Tensor) -> Tensor:
    """(bins, size) matrix that averages; window i is floor(i * size / bins) up to ceil((i + 1) * size / bins)."""
    index = torch.arange(bins, device=like.device)[:, None]
    start, stop = index * size // bins, ((index + 1) * size + bins - 1) // bins
    position = torch.arange(size, device=like.device)
    inside = (start <= position) & (position < stop)
    return inside.to(like.dtype) / (stop - start)
