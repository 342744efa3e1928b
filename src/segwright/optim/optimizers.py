"""Optimisers under PaddleSeg's names, with its defaults, on torch's implementations.

Weight decay is added to the gradient (L2), except in AdamW, where it shrinks the weights directly. Layers that say
``exempt_from_decay`` keep their own parameters out of L2 decay; as in Paddle, not out of AdamW's, and not once a
configuration forms groups of its own with ``custom_cfg``.
"""

from typing import Any

import torch
from torch import nn
from typing_extensions import TypedDict  # typing.TypedDict cannot be validated before Python 3.12

from segwright.errors import ConfigError
from segwright.registry import OPTIMIZERS


class GroupRule(TypedDict, total=False):
    """Parameters whose name contains ``name`` learn at ``lr_mult`` times the rate, decay at ``weight_decay_mult``."""

    name: str
    lr_mult: float
    weight_decay_mult: float


@OPTIMIZERS.register("SGD", "sgd")
def sgd(
    model: nn.Module,
    lr: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    use_nesterov: bool = False,
    custom_cfg: list[GroupRule] | None = None,
) -> torch.optim.Optimizer:
    """Gradient descent; with ``momentum`` the heavy ball ``v = m v + g; p = p - lr v``."""
    groups = l2_groups(model, lr, weight_decay, custom_cfg)
    return torch.optim.SGD(groups, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=use_nesterov)


@OPTIMIZERS.register("Momentum", "momentum")
def momentum(
    model: nn.Module,
    lr: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    use_nesterov: bool = False,
    custom_cfg: list[GroupRule] | None = None,
) -> torch.optim.Optimizer:
    """SGD with momentum 0.9 by default."""
    return sgd(model, lr, momentum, weight_decay, use_nesterov, custom_cfg)


@OPTIMIZERS.register("Adam", "adam")
def adam(
    model: nn.Module,
    lr: float,
    weight_decay: float = 0.0,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    custom_cfg: list[GroupRule] | None = None,
) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba, 2014, https://arxiv.org/abs/1412.6980)."""
    groups = l2_groups(model, lr, weight_decay, custom_cfg)
    return torch.optim.Adam(groups, lr=lr, betas=(beta1, beta2), eps=epsilon, weight_decay=weight_decay)


@OPTIMIZERS.register("AdamW", "adamw")
def adamw(
    model: nn.Module,
    lr: float,
    weight_decay: float = 0.01,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    custom_cfg: list[GroupRule] | None = None,
) -> torch.optim.Optimizer:
    """Adam with decoupled decay (Loshchilov and Hutter, 2017, https://arxiv.org/abs/1711.05101)."""
    groups = parameter_groups(model, lr, weight_decay, custom_cfg)
    return torch.optim.AdamW(groups, lr=lr, betas=(beta1, beta2), eps=epsilon, weight_decay=weight_decay)


def l2_groups(model: nn.Module, lr: float, weight_decay: float, rules: list[GroupRule] | None) -> list[dict[str, Any]]:
    """As ``parameter_groups``; without rules, the parameters of exempt layers come last and do not decay."""
    groups = parameter_groups(model, lr, weight_decay, rules)
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
    for rule, parameters in zip([*rules, GroupRule()], members, strict=True):
        if parameters:
            scale = rule.get("lr_mult", 1.0)
            decay = weight_decay * rule.get("weight_decay_mult", 1.0)
            groups.append({"params": parameters, "lr": lr * scale, "lr_mult": scale, "weight_decay": decay})
        elif rule:
            raise ConfigError(f"custom_cfg: no trainable parameter has '{rule['name']}' in its name")
    if not groups:
        raise ConfigError("the model has no trainable parameters")
    return groups
