"""What a segmentation model may ask of any backbone."""

from collections.abc import Sequence

from torch import Tensor, nn

from segwright.errors import ConfigError


class Backbone(nn.Module):
    """A network that turns a picture into feature maps, from fine to coarse.

    Attributes:
        feat_channels: channels of each feature map that ``forward`` returns.
        pretrained: path or URL of weights, kept for whoever builds the model; nothing is loaded here.
    """

    feat_channels: tuple[int, ...]
    pretrained: str | None = None

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, in_channels, H, W) -> one map (N, feat_channels[i], h_i, w_i) for each entry of ``feat_channels``."""
        raise NotImplementedError

    def channels_at(self, indices: Sequence[int]) -> tuple[int, ...]:
        """Channels of the feature maps at ``indices``, negative ones counted from the end.

        Raises:
            ConfigError: there is no such feature map.
        """
        count = len(self.feat_channels)
        for index in indices:
            if not -count <= index < count:
                raise ConfigError(
                    f"backbone_indices: {type(self).__name__} returns {count} feature maps, there is none at {index}"
                )
        return tuple(self.feat_channels[index] for index in indices)
