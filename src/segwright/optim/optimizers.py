"""Optimisers under PaddleSeg's names, with its defaults, on torch's implementations.

All run as one fused kernel over all parameters, which takes a third of the time of one after the other.

Weight decay is added to the gradient (L2), except in AdamW, where it shrinks the weights directly. None, a
configuration's ``null``, means no L2 decay; AdamW takes a number, in Paddle as here. Layers that say
``exempt_from_decay`` keep their own parameters out of L2 decay; as in Paddle, not out of AdamW's, and not once a
configuration forms groups of its own with ``custom_cfg``. These groups are also those that ``grad_clip_cfg`` takes a
global norm over, each by itself, as Paddle does.
"""

from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer
from typing_extensions import NotRequired, TypedDict  # typing.TypedDict cannot be validated before Python 3.12

from segwright.errors import ConfigError
from segwright.optim.clipping import GradClip, clip_before_steps
from segwright.registry import OPTIMIZERS


class GroupRule(TypedDict):
    """Parameters whose name contains ``name`` learn at ``lr_mult`` times the rate, decay at ``weight_decay_mult``."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]

    name: str
    lr_mult: NotRequired[float]
    weight_decay_mult: NotRequired[float]


@OPTIMIZERS.register("SGD", "sgd")
def sgd(
    model: nn.Module,
    lr: float,
    momentum: float = 0.0,
    weight_decay: float | None = 0.0,
    use_nesterov: bool = False,
    custom_cfg: list[GroupRule] | None = None,
    grad_clip_cfg: GradClip | None = None,
) -> Optimizer:
    """Gradient descent; with ``momentum`` the heavy ball ``v = m v + g; p = p - lr v``.

    Args:
        model: its trainable parameters learn.
        lr: rate until the schedule sets another.
        momentum: share of the last step that the next one keeps.
        weight_decay: L2 decay, a factor on the weights that is added to the gradient; None is 0.
        use_nesterov: look ahead by the momentum before the gradient is taken.
        custom_cfg: other rates and decays for parameters whose names contain ``name``: a list of
            ``{name, lr_mult, weight_decay_mult}``.
        grad_clip_cfg: how gradients are kept short, ``{name: ClipGradByGlobalNorm, clip_norm: 1.0}``; see ``clipping``.
    """
    groups = l2_groups(model, lr, weight_decay, custom_cfg)
    optimizer = torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=use_nesterov, fused=True)
    return _clipping(optimizer, grad_clip_cfg, custom_cfg)


@OPTIMIZERS.register("Momentum", "momentum")
def momentum(
    model: nn.Module,
    lr: float,
    momentum: float = 0.9,
    weight_decay: float | None = 0.0,
    use_nesterov: bool = False,
    custom_cfg: list[GroupRule] | None = None,
    grad_clip_cfg: GradClip | None = None,
) -> Optimizer:
    """SGD with momentum 0.9 by default.

    Args:
        model: its trainable parameters learn.
        lr: rate until the schedule sets another.
        momentum: share of the last step that the next one keeps.
        weight_decay: L2 decay, a factor on the weights that is added to the gradient; None is 0.
        use_nesterov: look ahead by the momentum before the gradient is taken.
        custom_cfg: other rates and decays for parameters whose names contain ``name``: a list of
            ``{name, lr_mult, weight_decay_mult}``.
        grad_clip_cfg: how gradients are kept short, ``{name: ClipGradByGlobalNorm, clip_norm: 1.0}``; see ``clipping``.
    """
    return sgd(model, lr, momentum, weight_decay, use_nesterov, custom_cfg, grad_clip_cfg)


@OPTIMIZERS.register("Adam", "adam")
def adam(
    model: nn.Module,
    lr: float,
    weight_decay: float | None = 0.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    custom_cfg: list[GroupRule] | None = None,
    grad_clip_cfg: GradClip | None = None,
    lazy_mode: Literal[False] = False,  # noqa: ARG001  (True is for sparse gradients, which no model here has)
) -> Optimizer:
    """Adam (Kingma and Ba, 2014, https://arxiv.org/abs/1412.6980).

    Args:
        model: its trainable parameters learn.
        lr: rate until the schedule sets another.
        weight_decay: L2 decay, a factor on the weights that is added to the gradient; None is 0.
        beta1: share that the mean of the gradients keeps in each step.
        beta2: share that the mean of their squares keeps.
        epsilon: added to the root of the latter, against division by zero.
        custom_cfg: other rates and decays for parameters whose names contain ``name``: a list of
            ``{name, lr_mult, weight_decay_mult}``.
        grad_clip_cfg: how gradients are kept short, ``{name: ClipGradByGlobalNorm, clip_norm: 1.0}``; see ``clipping``.
        lazy_mode: of Paddle's, for sparse gradients, which no model here has.
    """
    groups = l2_groups(model, lr, weight_decay, custom_cfg)
    optimizer = torch.optim.Adam(groups, lr=lr, betas=(beta1, beta2), eps=epsilon, fused=True)
    return _clipping(optimizer, grad_clip_cfg, custom_cfg)


@OPTIMIZERS.register("AdamW", "adamw")
def adamw(
    model: nn.Module,
    lr: float,
    weight_decay: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    custom_cfg: list[GroupRule] | None = None,
    grad_clip_cfg: GradClip | None = None,
    lazy_mode: Literal[False] = False,  # noqa: ARG001  (as in Adam)
) -> Optimizer:
    """Adam with decoupled decay (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1711.05101).

    Args:
        model: its trainable parameters learn.
        lr: rate until the schedule sets another.
        weight_decay: share of the weights, times the rate, that each step takes off them.
        beta1: share that the mean of the gradients keeps in each step.
        beta2: share that the mean of their squares keeps.
        epsilon: added to the root of the latter, against division by zero.
        custom_cfg: other rates and decays for parameters whose names contain ``name``: a list of
            ``{name, lr_mult, weight_decay_mult}``.
        grad_clip_cfg: how gradients are kept short, ``{name: ClipGradByGlobalNorm, clip_norm: 1.0}``; see ``clipping``.
        lazy_mode: of Paddle's, for sparse gradients, which no model here has.
    """
    groups = parameter_groups(model, lr, weight_decay, custom_cfg)
    optimizer = torch.optim.AdamW(
        groups, lr=lr, betas=(beta1, beta2), eps=epsilon, weight_decay=weight_decay, fused=True
    )
    return _clipping(optimizer, grad_clip_cfg, custom_cfg)


def _clipping(optimizer: Optimizer, rule: GradClip | None, groups: list[GroupRule] | None) -> Optimizer:
    if rule is not None:
        clip_before_steps(optimizer, rule, by_group=bool(groups))
    return optimizer


def l2_groups(
    model: nn.Module, lr: float, weight_decay: float | None, rules: list[GroupRule] | None
) -> list[dict[str, Any]]:
    """As ``parameter_groups``; without rules, the parameters of exempt layers come last and do not decay."""
    groups = parameter_groups(model, lr, weight_decay or 0.0, rules)
    if rules:
        return groups
    layers = (layer for layer in model.modules() if getattr(layer, "exempt_from_decay", False))
    exempt = {parameter for layer in layers for parameter in layer.parameters(recurse=False)}
    (group,) = groups
    decayed = [parameter for parameter in group["params"] if parameter not in exempt]
    spared = [parameter for parameter in group["params"] if parameter in exempt]
    groups = [{**group, "params": decayed}, {**group, "params": spared, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def parameter_groups(
    model: nn.Module, lr: float, weight_decay: float, rules: list[GroupRule] | None
) -> list[dict[str, Any]]:
    """Split the trainable parameters by the first rule whose ``name`` is part of theirs; the rest come last.

    Raises:
        ConfigError: a rule matches nothing, or nothing is left to train.
    """
    rules = rules or []
    members: list[list[nn.Parameter]] = [[] for _ in range(len(rules) + 1)]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            hits = (index for index, rule in enumerate(rules) if rule["name"] in name)
            members[next(hits, len(rules))].append(parameter)
    groups: list[dict[str, Any]] = []
    for rule, parameters in zip([*rules, None], members, strict=True):
        if parameters:
            scale, share = (rule.get("lr_mult", 1.0), rule.get("weight_decay_mult", 1.0)) if rule else (1.0, 1.0)
            decay = weight_decay * share
            groups.append({"params": parameters, "lr": lr * scale, "lr_mult": scale, "weight_decay": decay})
        elif rule:
            raise ConfigError(f"custom_cfg: no trainable parameter has '{rule['name']}' in its name")
    if not groups:
        raise ConfigError("the model has no trainable parameters")
    return groups
