"""Polarized self-attention (Liu et al., 2021), https://arxiv.org/abs/2107.00782."""

from typing import ClassVar

from torch import Tensor, nn


class PolarizedSelfAttention(nn.Module):
    """Gate channels and pixels side by side: ``x * channel gate + x * spatial gate``.

    With A(x) the average over pixels, <.,.> the product of two vectors of channels, and softmax over pixels:

    - channel gate: sigmoid(Up(Value(sum over pixels p of softmax(<query, x>)_p x_p)))
    - spatial gate: sigmoid(softmax(<Query(A(x)), Value(x)>))

    Every map here is linear and without bias, so that both products with ``Value`` are taken where there is one vector
    for each picture instead of one for each pixel. The results are those of the paper's figure, which convolves first
    and pools then, up to rounding, for a small part of its work and memory.

    Args:
        channels: channels of the input, at least 2; half as many inside.
    """

    paddle_names: ClassVar = {
        "conv_q_right": "channel_query",
        "conv_v_right": "channel_value",
        "conv_up": "channel_up",
        "conv_q_left": "spatial_query",
        "conv_v_left": "spatial_value",
    }

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.channel_query = nn.Conv2d(channels, 1, 1, bias=False)
        self.channel_value = nn.Conv2d(channels, inner, 1, bias=False)
        self.channel_up = nn.Conv2d(inner, channels, 1, bias=False)
        self.spatial_query = nn.Conv2d(channels, inner, 1, bias=False)
        self.spatial_value = nn.Conv2d(channels, inner, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape and memory format."""
        return (x * self.channel_gate(x)).add_(x * self.spatial_gate(x))

    def channel_gate(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, channels, 1, 1) from 0 to 1."""
        weights = self.channel_query(x).flatten(2).softmax(dim=2)  # (N, 1, H * W)
        average = weights @ x.flatten(2).transpose(1, 2)  # (N, 1, channels)
        return self.channel_up(self.channel_value(average.transpose(1, 2).unsqueeze(3))).sigmoid()

    def spatial_gate(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, 1, H, W) from 0 to 1."""
        query = self.spatial_query(x.mean((2, 3), keepdim=True)).flatten(2).transpose(1, 2)  # (N, 1, inner)
        scores = query @ self.spatial_value.weight.flatten(1) @ x.flatten(2)  # (N, 1, H * W)
        return scores.softmax(dim=2).unflatten(2, x.shape[2:]).sigmoid()
