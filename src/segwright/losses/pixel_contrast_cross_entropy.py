"""Pixels of one class alike, pixels of two classes apart."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segwright.errors import ConfigError, DataError
from segwright.losses.labels import full_precision, prepare_label
from segwright.registry import LOSSES


@LOSSES.register
class PixelContrastCrossEntropyLoss(nn.Module):
    """Supervised contrast between the embeddings of sampled pixels (Wang et al., 2021).

    https://arxiv.org/abs/2101.11939. Every class with more than ``max_views`` pixels in a picture sends the same number
    of anchors, half of them hard (predicted wrong) where there are as many. An anchor's loss is the mean over its
    positives j of ``-log(e^s_j / (e^s_j + sum over negatives e^s))``, s being the scalar product by the temperature,
    times ``temperature / base_temperature``. Anchors are compared across the whole batch, and drawn by torch's
    generator. The cross entropy is a loss of its own, of the model's other output.

    Args:
        temperature: divides the similarities; the smaller, the more the hardest negatives matter.
        base_temperature: scales the loss.
        ignore_index: label id that contributes nothing.
        max_samples: anchors in a batch at most, unless there are more classes in its pictures, each of which sends one.
        max_views: anchors of one class of one picture at most.

    Raises:
        ConfigError: a temperature is not above 0, or a number of anchors is not 1 or more.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        base_temperature: float = 0.07,
        ignore_index: int = 255,
        max_samples: int = 1024,
        max_views: int = 100,
    ) -> None:
        super().__init__()
        if min(temperature, base_temperature) <= 0:
            raise ConfigError(f"temperatures are numbers above 0, got {temperature} and base {base_temperature}")
        if min(max_samples, max_views) < 1:
            raise ConfigError(f"max_samples and max_views are 1 or more, got {max_samples} and {max_views}")
        self.temperature = temperature
        self.base_temperature = base_temperature
        self.ignore_index = ignore_index
        self.max_samples = max_samples
        self.max_views = max_views

    def forward(self, outputs: Mapping[str, Tensor], label: Tensor, order: Tensor | None = None) -> Tensor:
        """One output of the model and the label -> scalar; 0 when no class has enough pixels.

        Args:
            outputs: ``seg``: (N, C, h, w) logits; ``embed``: (N, D, h, w) embeddings.
            label: (N, H, W) class ids, brought to h x w.
            order: (N, h * w) numbers; pixels of smaller ones are drawn first. Default: random.

        Raises:
            DataError: logits and embeddings differ in size, or one is missing.
        """
        if not {"seg", "embed"} <= outputs.keys():
            raise DataError(f"PixelContrastCrossEntropyLoss wants outputs seg and embed, got {', '.join(outputs)}")
        seg, embed = outputs["seg"].detach(), outputs["embed"]
        if seg.shape[2:] != embed.shape[2:]:
            raise DataError(f"seg is {tuple(seg.shape[2:])} pixels, but embed is {tuple(embed.shape[2:])}")
        label = label.reshape(len(label), 1, *label.shape[-2:]).float()  # ids below 2^24 are exact
        label, valid = prepare_label(seg, F.interpolate(label, seg.shape[2:]), self.ignore_index)
        if order is None:
            order = torch.rand(len(seg), seg.shape[2:].numel(), device=seg.device)

        is_easy = seg.argmax(dim=1) == label
        group = torch.where(valid, 2 * label + is_easy, 2 * seg.shape[1])  # hard and easy pixels of each class
        image, ids, index = self._draw(group.flatten(1), order, seg.shape[1])
        anchors = embed.flatten(2)[image.unsqueeze(1), :, index]  # (T, views, D)
        return self._contrast(full_precision(anchors).flatten(0, 1), ids.repeat_interleave(index.shape[1]))

    def _draw(self, group: Tensor, order: Tensor, num_classes: int) -> tuple[Tensor, Tensor, Tensor]:
        """(N, P) groups and order of pixels -> image (T), class (T) and pixel indices (T, views) of the anchors.

        T counts the classes of each image that have enough pixels.
        """
        counts = group.new_zeros(len(group), 2 * num_classes + 1)
        counts = counts.scatter_add(1, group, torch.ones_like(group))
        starts = counts.cumsum(dim=1) - counts
        hard, easy = counts[:, :-1].unflatten(1, (num_classes, 2)).unbind(dim=2)  # (N, C) each
        image, ids = (hard + easy > self.max_views).nonzero(as_tuple=True)
        views = min(max(1, self.max_samples // max(1, len(ids))), self.max_views)

        # Half of the views are hard, fewer where there are fewer, more where easy ones run out.
        hard, easy = hard[image, ids], easy[image, ids]  # (T)
        num_hard = torch.minimum(hard, (views - easy).clamp(min=views // 2)).unsqueeze(1)
        view = torch.arange(views, device=group.device)
        from_hard = starts[image, 2 * ids].unsqueeze(1) + view
        from_easy = starts[image, 2 * ids + 1].unsqueeze(1) + view - num_hard
        place = torch.where(view < num_hard, from_hard, from_easy)  # (T, views)

        by_order = order.argsort(dim=1)
        by_group = by_order.gather(1, group.gather(1, by_order).argsort(dim=1, stable=True))
        return image, ids, by_group[image].gather(1, place)

    def _contrast(self, anchors: Tensor, ids: Tensor) -> Tensor:
        """(A, D) anchors of classes (A) -> scalar; anchors without a positive are left out of the mean."""
        with torch.autocast(anchors.device.type, enabled=False):
            similarity = anchors @ anchors.T / self.temperature  # (A, A)
        alike = ids.unsqueeze(0) == ids.unsqueeze(1)
        lowest = torch.finfo(similarity.dtype).min  # not -inf: a row without negatives has a gradient of 0, not NaN
        negatives = similarity.masked_fill(alike, lowest).logsumexp(dim=1, keepdim=True)
        loss = F.softplus(negatives - similarity)  # -log(e^s / (e^s + sum of negatives))

        positive = alike.clone().fill_diagonal_(False)
        num_positives = positive.sum(dim=1)
        per_anchor = torch.where(positive, loss, 0).sum(dim=1) / num_positives.clamp(min=1)
        scale = self.temperature / self.base_temperature
        return scale * per_anchor.sum() / (num_positives > 0).sum().clamp(min=1)
