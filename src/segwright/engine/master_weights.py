"""Training in half precision with a float32 copy of each weight: PaddleSeg's ``--amp_level O2``.

Micikevicius et al., 2018, "Mixed precision training", section 3.1, https://arxiv.org/abs/1710.03740. A step of the
optimiser is often smaller than the spacing of half precision numbers (bfloat16 has 8 significant bits), so that
weights held in it would not move. The optimiser works on float32 weights, the masters; the model computes with them
rounded.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

# Paddle's amp.decorate keeps batch norms in float32, and in fp16 layer and instance norms. They have few weights, and
# autocast computes them in float32, so that rounding them would save nothing.
KEPT = (_NormBase, nn.LayerNorm, nn.GroupNorm)


class MasterWeights:
    """Holds a model's weights in half precision, and has the optimiser train float32 ones in their place.

    Normalisation layers and all buffers stay float32. The model computes under ``torch.autocast`` of the same dtype,
    as in O1; what is saved is the memory of gradients, their traffic between processes, and the casts.

    The model is on its device and in its memory format already, has the same weights in every process, and is wrapped
    by ``DistributedDataParallel`` afterwards. Its parameters stay the same objects; the masters take over the memory
    that they had, so that who held these tensors before, such as a moving average, goes on seeing float32 weights.

    A step of the optimiser begins by fetching the model's gradients, before clipping, and ends by writing the weights
    back. Who looks at the gradients before that, as a ``GradScaler`` does, calls ``collect_gradients`` first.

    Args:
        model: with float32 weights; is changed.
        optimizer: over parameters of this model; may hold a state already. Its groups get the masters.
        dtype: of the model's weights, ``torch.bfloat16`` or ``torch.float16``.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, dtype: torch.dtype) -> None:
        self._model = model
        self._dtype = dtype
        kept = {p for module in model.modules() if isinstance(module, KEPT) for p in module.parameters(recurse=False)}
        self._masters: dict[nn.Parameter, nn.Parameter] = {}
        for parameter in model.parameters():
            if parameter not in kept:
                self._masters[parameter] = nn.Parameter(parameter.detach(), parameter.requires_grad)
                parameter.data = parameter.detach().to(dtype)
        for group in optimizer.param_groups:
            group["params"] = [self._masters.get(member, member) for member in group["params"]]
        for parameter, master in self._masters.items():
            if parameter in optimizer.state:
                optimizer.state[master] = optimizer.state.pop(parameter)
        first = optimizer.register_step_pre_hook(self._before_step)
        # Hooks have no other way to the front, and clipping is there already.
        optimizer._optimizer_step_pre_hooks.move_to_end(first.id, last=False)  # type: ignore[attr-defined]
        optimizer.register_step_post_hook(self._after_step)

    def collect_gradients(self) -> None:
        """Move the model's gradients to the masters, where they add to those that are there, in float32.

        In several processes only after a backward pass that averages gradients over them, not within ``no_sync``.
        """
        for parameter, master in self._masters.items():
            if parameter.grad is not None:
                gradient = parameter.grad.to(master.dtype)
                master.grad = gradient if master.grad is None else master.grad.add_(gradient)
                parameter.grad = None

    @torch.no_grad()
    def refresh(self) -> None:
        """Give the model the masters' values, rounded: after somebody other than the optimiser has changed them."""
        torch._foreach_copy_(list(self._masters), list(self._masters.values()))

    def state_dict(self) -> dict[str, Tensor]:
        """The model's state under its own names, with the masters in place of the rounded weights; not a copy."""
        state = self._model.state_dict(keep_vars=True)
        return {name: self._masters.get(value, value).detach() for name, value in state.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the values of ``state_dict``, or of the model's own from before.

        Raises:
            RuntimeError: names or shapes are not the model's.
        """
        self._model.load_state_dict(state)  # it checks, and takes what has no master
        for name, value in self.state_dict().items():
            value.copy_(state[name])
        self.refresh()

    def release(self) -> None:
        """Give the model its float32 weights back, at the end of training: it computes without autocast again."""
        for parameter, master in self._masters.items():
            parameter.data = master.detach()

    def _before_step(self, *_: Any) -> None:
        if self._dtype == torch.float16 and any(parameter.grad is not None for parameter in self._masters):
            raise RuntimeError(
                "fp16 gradients are scaled, and these have not been scaled back: call collect_gradients after the "
                "backward pass, before GradScaler.unscale_ and GradScaler.step"
            )
        self.collect_gradients()

    def _after_step(self, *_: Any) -> None:
        self.refresh()
