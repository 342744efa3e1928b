"""Initial weights as Paddle draws them where a network does not say otherwise."""

import math

from torch import nn


def paddle_defaults(module: nn.Module) -> None:
    """Draw the weights of one layer; for ``model.apply``. Normalisation layers start as they are built.

    Kernels are normal with variance ``2 / (kernel area * in_channels)``, which is He et al. (2015,
    https://arxiv.org/abs/1502.01852) except that groups are not counted, so that depthwise kernels start small.
    Linear layers and transposed convolutions are uniform (Glorot and Bengio, 2010); all biases are 0.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=math.sqrt(2 / (math.prod(module.kernel_size) * module.in_channels)))
    elif isinstance(module, nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def kaiming(module: nn.Module) -> None:
    """He et al. (2015) with groups counted, biases 0; for ``model.apply``."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def narrow_normal(module: nn.Module) -> None:
    """Kernels normal with standard deviation 0.001, as HRNet's authors have them; biases 0; for ``model.apply``."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=0.001)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
