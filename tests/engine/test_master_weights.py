"""Half precision weights that train as float32 ones do."""

import copy
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from segwright.engine.master_weights import MasterWeights
from segwright.layers import BatchNorm2d
from segwright.optim.clipping import GradClip, clip_before_steps
from segwright.weights import load_weights
from segwright.weights.names import variable_names
from segwright.weights.write import write_tensors


def net() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3), BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.GroupNorm(2, 8), nn.Conv2d(8, 2, 1)
    return nn.Sequential(*layers)


def sgd(model: nn.Module, lr: float = 0.05) -> Optimizer:
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)


def loss_of(model: nn.Module, step: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    """A pixel is of class 1 where it is bright."""
    image = torch.randn(4, 3, 9, 9, generator=torch.Generator().manual_seed(step))
    label = (image.mean(1)[:, 2:-2, 2:-2] > 0).long()
    with torch.autocast("cpu", dtype):
        logits = model(image)
    return nn.functional.cross_entropy(logits.float(), label)


def train(model: nn.Module, optimizer: Optimizer, steps: range) -> list[float]:
    """Anybody's loop, which knows nothing of masters; its losses."""
    losses = []
    for step in steps:
        loss = loss_of(model, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def rounded(state: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """What the model's own state must be: weights and biases of convolutions rounded, the rest as it is."""
    convolutions = ("0.", "3.", "5.")
    return {name: value.to(dtype) if name.startswith(convolutions) else value for name, value in state.items()}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_convolutions_are_held_in_half_precision_and_norms_are_not(dtype: torch.dtype) -> None:
    model = net()
    before = copy.deepcopy(model.state_dict())
    parameters = list(model.parameters())
    masters = MasterWeights(model, sgd(model), dtype)
    assert all(a is b for a, b in zip(model.parameters(), parameters, strict=True))
    torch.testing.assert_close(dict(model.state_dict()), rounded(before, dtype), rtol=0, atol=0)
    torch.testing.assert_close(masters.state_dict(), dict(before), rtol=0, atol=0)


def test_training_follows_float32_with_autocast() -> None:
    """The losses of 40 steps, within 3 %, and half of what was learnt is seen."""
    exact, model = net(), net()
    wanted = train(exact, sgd(exact), range(40))
    optimizer = sgd(model)
    masters = MasterWeights(model, optimizer, torch.bfloat16)
    losses = train(model, optimizer, range(40))
    torch.testing.assert_close(losses, wanted, rtol=0.03, atol=0.005)
    assert losses[-1] < 0.6 * losses[0]
    torch.testing.assert_close(dict(model.state_dict()), rounded(masters.state_dict(), torch.bfloat16), rtol=0, atol=0)


def test_small_updates_are_not_lost() -> None:
    """Steps of a thousandth of a weight's spacing in bfloat16 add up."""

    def weights_after(steps: int, *, with_masters: bool) -> tuple[Tensor, Tensor]:
        model = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(model.weight)
        optimizer = torch.optim.SGD(model.parameters(), lr=2**-17)
        if with_masters:
            masters = MasterWeights(model, optimizer, torch.bfloat16)
        else:
            model.bfloat16()
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.ones(1, 1, 1, 1, dtype=torch.bfloat16)).sum().backward()
            optimizer.step()
        held = model.weight.detach().flatten()
        return held, masters.state_dict()["weight"].flatten() if with_masters else held

    assert weights_after(1500, with_masters=False)[0] == 1
    held, master = weights_after(1500, with_masters=True)
    assert master == 1 - 1500 * 2**-17
    assert held == master.bfloat16() != 1


RULES: list[GradClip] = [
    {"name": "ClipGradByGlobalNorm", "clip_norm": 0.01},
    {"name": "ClipGradByNorm", "clip_norm": 0.01},
    {"name": "ClipGradByValue", "max": 0.001},
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_clipping_sees_all_gradients(rule: GradClip) -> None:
    """The clipping hook is older than the masters, and still comes after their gradients."""
    steps = []
    for with_masters in (False, True):
        model = net()
        before = copy.deepcopy(model.state_dict())
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        clip_before_steps(optimizer, rule, by_group=False)
        source: Any = MasterWeights(model, optimizer, torch.bfloat16) if with_masters else model
        train(model, optimizer, range(1))
        after = source.state_dict()
        steps.append({name: after[name] - before[name] for name, _ in model.named_parameters()})
    torch.testing.assert_close(steps[1], steps[0], rtol=0.05, atol=3e-4)
    if rule["name"] == "ClipGradByGlobalNorm":
        norm = torch.nn.utils.get_total_norm(steps[1].values())
        torch.testing.assert_close(norm, torch.tensor(0.01), rtol=1e-3, atol=0)


@pytest.mark.parametrize("loaded", ["before", "after"])
def test_resuming_is_exact(loaded: str) -> None:
    """Whether the masters are made before or after weights and optimiser are loaded."""
    model = net()
    optimizer = sgd(model)
    masters = MasterWeights(model, optimizer, torch.bfloat16)
    train(model, optimizer, range(3))
    file = io.BytesIO()
    torch.save({"model": masters.state_dict(), "optimizer": optimizer.state_dict()}, file)
    losses = train(model, optimizer, range(3, 6))

    file.seek(0)
    stored = torch.load(file)
    resumed = net()
    again = sgd(resumed)
    if loaded == "before":
        resumed.load_state_dict(stored["model"])
        again.load_state_dict(stored["optimizer"])
        resumed_masters = MasterWeights(resumed, again, torch.bfloat16)
    else:
        resumed_masters = MasterWeights(resumed, again, torch.bfloat16)
        resumed_masters.load_state_dict(stored["model"])
        again.load_state_dict(stored["optimizer"])
    assert train(resumed, again, range(3, 6)) == losses
    torch.testing.assert_close(resumed_masters.state_dict(), masters.state_dict(), rtol=0, atol=0)
    torch.testing.assert_close(again.state_dict(), optimizer.state_dict(), rtol=0, atol=0)


def test_a_file_of_weights_holds_the_masters(tmp_path: Path) -> None:
    model = net()
    optimizer = sgd(model)
    masters = MasterWeights(model, optimizer, torch.bfloat16)
    train(model, optimizer, range(2))
    state = masters.state_dict()
    write_tensors(model, {name: state[name] for name in variable_names(model)}, tmp_path / "model.safetensors")
    exact = net()
    load_weights(exact, tmp_path / "model.safetensors")
    assert {value.dtype for value in exact.parameters()} == {torch.float32}
    torch.testing.assert_close(
        [*exact.parameters()], [state[name] for name, _ in exact.named_parameters()], rtol=0, atol=0
    )


def test_the_model_gets_its_float32_weights_back() -> None:
    model = net()
    optimizer = sgd(model)
    masters = MasterWeights(model, optimizer, torch.bfloat16)
    train(model, optimizer, range(2))
    exact = copy.deepcopy(masters.state_dict())
    masters.release()
    torch.testing.assert_close(dict(model.state_dict()), exact, rtol=0, atol=0)
    assert model.eval()(torch.zeros(1, 3, 9, 9)).dtype == torch.float32


def test_shared_and_frozen_weights_are_kept_exactly() -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), nn.Conv2d(2, 2, 1, bias=False))
    model[1].weight = model[0].weight
    model.append(nn.Conv2d(2, 2, 1).requires_grad_(False))
    before = copy.deepcopy(model.state_dict())
    optimizer = sgd(nn.Sequential(model[0]))
    masters = MasterWeights(model, optimizer, torch.float16)
    assert model[0].weight is model[1].weight
    assert len(optimizer.param_groups[0]["params"]) == 1
    torch.testing.assert_close(masters.state_dict(), dict(before), rtol=0, atol=0)


def test_gradients_of_several_passes_add_up_in_float32() -> None:
    """In bfloat16 1 + 1/1024 would be 1."""
    model = nn.Conv2d(1, 1, 1, bias=False)
    optimizer = sgd(model)
    masters = MasterWeights(model, optimizer, torch.bfloat16)
    for value in (1.0, 2**-10):
        model(torch.full((1, 1, 1, 1), value, dtype=torch.bfloat16)).sum().backward()
        masters.collect_gradients()
    assert model.weight.grad is None
    assert optimizer.param_groups[0]["params"][0].grad == 1 + 2**-10


def test_who_holds_the_weights_sees_the_masters_and_may_change_them() -> None:
    """As a moving average does, that was made before."""
    model = net()
    held = {name: value.detach() for name, value in model.state_dict(keep_vars=True).items()}
    optimizer = sgd(model)
    masters = MasterWeights(model, optimizer, torch.bfloat16)
    train(model, optimizer, range(2))
    torch.testing.assert_close(held, masters.state_dict(), rtol=0, atol=0)
    held["0.weight"].fill_(1 / 3)
    masters.refresh()
    assert torch.equal(model[0].weight, torch.full_like(model[0].weight, 1 / 3))


@pytest.fixture
def accelerated() -> Iterator[None]:
    """What Accelerate's optimiser asks about its surroundings: one process, on the CPU."""
    AcceleratorState._reset_state(reset_partial_state=True)
    Accelerator(cpu=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("accelerated")
def test_gradient_scaling_in_accelerates_optimiser() -> None:
    """fp16: clipping acts on gradients at their own scale, and a step that overflows leaves no trace."""
    runs = []
    for scale in (1.0, 256.0):
        model = net()
        optimizer = sgd(model)
        clip_before_steps(optimizer, RULES[0], by_group=False)
        masters = MasterWeights(model, optimizer, torch.float16)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        accelerated = AcceleratedOptimizer(optimizer, scaler=scaler)
        for step, spoiled in enumerate([False, True, False]):
            before = copy.deepcopy(masters.state_dict())
            scaler.scale(loss_of(model, step, torch.float16)).backward()
            if spoiled:
                model[3].weight.grad[0, 0, 0, 0] = torch.inf
            masters.collect_gradients()
            accelerated.step()
            accelerated.zero_grad()
            assert accelerated.step_was_skipped == spoiled
            after = masters.state_dict()
            moved = [not torch.equal(after[name], before[name]) for name, _ in model.named_parameters()]
            assert not any(moved) if spoiled else all(moved)
        runs.append(masters.state_dict())
    torch.testing.assert_close(runs[1], runs[0], rtol=1e-3, atol=1e-4)


def test_forgetting_to_collect_before_unscaling_is_an_error() -> None:
    model = net()
    optimizer = sgd(model)
    MasterWeights(model, optimizer, torch.float16)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(loss_of(model, 0, torch.float16)).backward()
    with pytest.raises(RuntimeError, match="collect_gradients"):
        scaler.step(optimizer)


def test_averaging_gradients_over_processes(tmp_path: Path) -> None:
    """DistributedDataParallel hooks into the parameters, and finds gradients of two kinds in them."""
    states = []
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        for wrap in (lambda model: model, DistributedDataParallel):
            model = net()
            optimizer = sgd(model)
            masters = MasterWeights(model, optimizer, torch.bfloat16)
            train(wrap(model), optimizer, range(3))
            states.append(masters.state_dict())
    finally:
        dist.destroy_process_group()
    torch.testing.assert_close(states[1], states[0], rtol=0, atol=0)
