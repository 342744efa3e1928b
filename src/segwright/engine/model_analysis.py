"""What a model costs: parameters, multiply-adds, memory of activations, and where its time goes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from segwright.engine.evaluation import evaluating
from segwright.errors import ConfigError

WARMUP, RUNS = 2, 5


@dataclass(frozen=True)
class Layer:
    """A module without modules in it.

    Attributes:
        name: where it is in the model.
        kind: its class.
        output_shape: of its output.
        parameters: numbers that it learns.
        multiply_adds: of one forward pass.
        milliseconds: its median time in a forward pass, all its calls together.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    milliseconds: float


@dataclass(frozen=True)
class ModelCost:
    """What a forward pass takes.

    Attributes:
        input_shape: N, C, H, W.
        parameters: numbers that the model learns.
        multiply_adds: of convolutions and matrix products, in what evaluation computes.
        output_bytes: of all layers' outputs: about what training keeps for the backward pass.
        peak_bytes: most memory of activations at once in evaluation.
        milliseconds: median time of a forward pass.
        layers: in the order in which they are called first.
    """

    input_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    output_bytes: int
    peak_bytes: int
    milliseconds: float
    layers: tuple[Layer, ...]


def cost(model: nn.Module, input_shape: Sequence[int], *, runs: int = RUNS) -> ModelCost:
    """Measure a model on its device, in evaluation mode.

    Args:
        model: takes (N, C, H, W).
        input_shape: N, C, H, W.
        runs: forward passes that are timed, after two others.

    Raises:
        ConfigError: the model does not take this shape.
    """
    image = random_image(model, input_shape)
    with evaluating(model):
        try:
            with FlopCounterMode(display=False) as counter:
                model(image)
        except RuntimeError as error:
            raise ConfigError(
                f"{type(model).__name__} does not take an input of shape {list(input_shape)} (N, C, H, W): {error}"
            ) from error
        times, shapes, output_bytes = _timed(model, image, runs)
        whole = [forward_seconds(model, image) for _ in range(runs)]
        peak = _peak_bytes(model, image)
    flops = counter.get_flop_counts()
    modules = dict(model.named_modules())
    layers = [
        Layer(
            name=name,
            kind=type(modules[name]).__name__,
            output_shape=shapes[name],
            parameters=sum(parameter.numel() for parameter in modules[name].parameters(recurse=False)),
            multiply_adds=sum(flops.get(f"{type(model).__name__}.{name}", {}).values()) // 2,
            milliseconds=1000 * median(seconds),
        )
        for name, seconds in times.items()
    ]
    return ModelCost(
        input_shape=tuple(input_shape),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        multiply_adds=counter.get_total_flops() // 2,
        output_bytes=output_bytes,
        peak_bytes=peak,
        milliseconds=1000 * median(whole),
        layers=tuple(layers),
    )


def random_image(model: nn.Module, input_shape: Sequence[int]) -> Tensor:
    """Numbers of this shape, N, C, H, W, on the model's device."""
    device = next(model.parameters()).device
    return torch.randn(tuple(input_shape), device=device).contiguous(memory_format=torch.channels_last)


def _timed(
    model: nn.Module, image: Tensor, runs: int
) -> tuple[dict[str, list[float]], dict[str, tuple[int, ...]], int]:
    """Seconds of each layer in each run, shapes of the layers' outputs, and the bytes of all these together."""
    times: dict[str, list[float]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    sizes: dict[str, int] = {}
    started: dict[str, float] = {}

    def before(name: str) -> Any:
        def hook(*_: object) -> None:
            wait(image.device)
            started[name] = time.perf_counter()

        return hook

    def after(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: object, output: Any) -> None:
            wait(image.device)
            times.setdefault(name, [0.0])[-1] += time.perf_counter() - started[name]
            if isinstance(output, Tensor):
                shapes[name] = tuple(output.shape)
                sizes[name] = output.numel() * output.element_size()

        return hook

    leaves = {name: module for name, module in model.named_modules() if name and not any(module.children())}
    handles = [handle for name, module in leaves.items() for handle in _hooks(module, before(name), after(name))]
    try:
        for number in range(WARMUP + runs):
            model(image)
            for name in times:
                times[name] = [*(times[name] if number >= WARMUP else []), 0.0]
    finally:
        for handle in handles:
            handle.remove()
    return {name: seconds[:-1] for name, seconds in times.items() if name in shapes}, shapes, sum(sizes.values())


def _hooks(module: nn.Module, before: Any, after: Any) -> Iterator[Any]:
    yield module.register_forward_pre_hook(before)
    yield module.register_forward_hook(after)


def forward_seconds(model: nn.Module, image: Tensor) -> float:
    """Of one pass."""
    start = time.perf_counter()
    model(image)
    wait(image.device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    """Until it has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_bytes(model: nn.Module, image: Tensor) -> int:
    """From what the allocator says during one pass."""
    if image.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(image.device)
        before = torch.cuda.memory_allocated(image.device)
        model(image)
        return torch.cuda.max_memory_allocated(image.device) - before
    with _memory_events() as changes:
        model(image)
    held = peak = 0
    for change in changes:
        held += change
        peak = max(peak, held)
    return peak


@contextmanager
def _memory_events() -> Iterator[list[int]]:
    """Bytes that the CPU's allocator gave out (above 0) or got back, in order; there when the block has ended."""
    changes: list[int] = []
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        yield changes
    assert profile.profiler is not None
    assert profile.profiler.kineto_results is not None
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    changes += [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
