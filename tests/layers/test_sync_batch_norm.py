"""Two processes that share a batch train as one process with the whole batch."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from segwright.layers import BatchNorm2d
from segwright.layers.sync_batch_norm import synchronise_batch_norm

WORLD = 2
LAST = torch.channels_last


@dataclass(frozen=True)
class Case:
    """A small net, and how its batches are shared out; tolerances as of ``assert_close``."""

    norm: nn.Module
    shares: tuple[int, int] = (3, 2)
    dtype: torch.dtype = torch.float64
    memory_format: torch.memory_format = torch.contiguous_format
    size: int = 6
    offset: float = 0.0
    step: float = 0.0
    """What the first pictures of the batch are brighter by than the last ones."""
    autocast: bool = False
    rtol: float = 1e-10
    atol: float = 1e-10

    def net(self) -> nn.Module:
        """Two batch norms, one of them behind global pooling."""
        torch.manual_seed(0)
        pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), copy.deepcopy(self.norm))
        net = nn.Sequential(copy.deepcopy(self.norm), nn.Conv2d(4, 4, 3), pooled, nn.Conv2d(4, 2, 1))
        return net.to(dtype=self.dtype, memory_format=self.memory_format)

    def batch(self, iteration: int) -> tuple[Tensor, Tensor]:
        """All pictures of an iteration (N, 4, size, size), and a weight for each output (N, 2, 1, 1)."""
        generator = torch.Generator().manual_seed(iteration)
        image = torch.randn(sum(self.shares), 4, self.size, self.size, generator=generator, dtype=torch.float64)
        image += self.offset + self.step * torch.linspace(1, 0, len(image), dtype=torch.float64).view(-1, 1, 1, 1)
        weight = torch.randn(len(image), 2, 1, 1, generator=generator, dtype=torch.float64)
        return image.to(self.dtype), weight.to(self.dtype)


SINGLE = {"rtol": 1e-4, "atol": 2e-5, "dtype": torch.float32}
CASES = {
    "float64": Case(BatchNorm2d(4)),
    "equal shares": Case(BatchNorm2d(4), shares=(2, 2)),
    "one picture each": Case(BatchNorm2d(4), shares=(1, 1)),
    "channels last": Case(BatchNorm2d(4), memory_format=LAST),
    "PyTorch's norm": Case(nn.BatchNorm2d(4)),
    "PyTorch's norm, cumulative": Case(nn.BatchNorm2d(4, momentum=None)),
    "no weight": Case(nn.BatchNorm2d(4, affine=False)),
    "no running statistics": Case(nn.BatchNorm2d(4, track_running_stats=False)),
    "float32": Case(BatchNorm2d(4), **SINGLE),
    "float32 channels last": Case(BatchNorm2d(4), memory_format=LAST, **SINGLE),
    # A difference of squares would lose all digits of this variance: the mean is 3000, the deviation 1.
    "float32 far from zero": Case(BatchNorm2d(4), offset=3000.0, step=2.0, dtype=torch.float32, rtol=1e-3, atol=5e-3),
    "bfloat16": Case(BatchNorm2d(4), autocast=True, dtype=torch.float32, rtol=0.02, atol=0.02),
    "bfloat16 channels last": Case(
        BatchNorm2d(4), autocast=True, memory_format=LAST, dtype=torch.float32, rtol=0.02, atol=0.02
    ),
}


def train(case: Case, net: nn.Module, first: int, last: int, world: int) -> dict[str, Any]:
    """Three steps on pictures ``first`` to ``last`` of each batch.

    Returns:
        What the net gave, the pictures' gradients, and the net's state after all.
    """
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    outputs, gradients = [], []
    for iteration in range(3):
        image, weight = (
            tensor[first:last].contiguous(memory_format=case.memory_format) for tensor in case.batch(iteration)
        )
        image.requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=case.autocast):
            output = net(image)
        loss = (output * weight).square().sum() / sum(case.shares)
        optimizer.zero_grad()
        (world * loss).backward()  # the gradients of several processes are averaged
        optimizer.step()
        assert image.grad is not None
        outputs.append(output.detach())
        gradients.append(image.grad / world)
    return {"outputs": outputs, "gradients": gradients, "state": getattr(net, "module", net).state_dict()}


def work(rank: int, folder: Path) -> None:
    """One of the processes: every case, and what it says itself."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=WORLD)
    results = {}
    for name, case in CASES.items():
        net = case.net()
        names = list(net.state_dict())
        parameters = list(net.parameters())
        synchronise_batch_norm(net)
        assert list(net.state_dict()) == names
        assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
        first = sum(case.shares[:rank])
        wrapped = DistributedDataParallel(net, broadcast_buffers=False)
        results[name] = train(case, wrapped, first, first + case.shares[rank], WORLD)

    norm = BatchNorm2d(4)
    synchronise_batch_norm(norm)
    image = torch.randn(2, 4, 3, 5).contiguous(memory_format=LAST).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        output = norm(image.bfloat16())
    output.float().square().sum().backward()
    assert output.dtype == torch.bfloat16
    assert output.is_contiguous(memory_format=LAST)
    assert image.grad is not None
    assert image.grad.is_contiguous(memory_format=LAST)
    assert norm.running_mean.dtype == torch.float32
    norm(image.detach())  # no gradient for the picture: nothing to exchange in the backward pass either
    norm.weight.requires_grad_(False)
    norm(image).sum().backward()  # a frozen weight is no reason to leave the others waiting
    if rank == 0:
        norm.eval()(image)  # evaluation asks nobody: the other process is not here
    torch.save(results, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def shared_out(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Results of every case in each of two processes."""
    folder = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(work, (folder,), nprocs=WORLD)
    return [torch.load(folder / f"{rank}.pt") for rank in range(WORLD)]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_two_processes_are_one(name: str, shared_out: list[dict[str, Any]]) -> None:
    case = CASES[name]
    whole = train(case, case.net(), 0, sum(case.shares), 1)
    ours = [results[name] for results in shared_out]
    tolerance = {"rtol": case.rtol, "atol": case.atol}
    for key in ("outputs", "gradients"):
        joined = [torch.cat(parts) for parts in zip(*(result[key] for result in ours), strict=True)]
        torch.testing.assert_close(joined, whole[key], **tolerance)
    for result in ours:
        torch.testing.assert_close(result["state"], whole["state"], **tolerance)
    torch.testing.assert_close(ours[0]["state"], ours[1]["state"], rtol=0, atol=0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", [BatchNorm2d(4), nn.BatchNorm2d(4)])
def test_a_single_process_computes_what_it_did(norm: nn.Module, training: bool) -> None:
    plain, synchronised = (copy.deepcopy(norm).train(training) for _ in range(2))
    synchronise_batch_norm(synchronised)
    x = torch.randn(2, 4, 3, 3)
    assert torch.equal(synchronised(x), plain(x))
    torch.testing.assert_close(synchronised.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_a_copy_has_its_own_weights() -> None:
    norm = BatchNorm2d(4)
    synchronise_batch_norm(norm)
    twin = copy.deepcopy(norm).eval()
    nn.init.constant_(twin.bias, 5.0)
    nn.init.zeros_(twin.weight)
    assert torch.equal(twin(torch.randn(1, 4, 2, 2)), torch.full((1, 4, 2, 2), 5.0))


def test_what_a_class_says_still_holds() -> None:
    class Undecayed(BatchNorm2d):
        exempt_from_decay = True

    model = nn.Sequential(Undecayed(4))
    synchronise_batch_norm(model)
    assert isinstance(model[0], Undecayed)
    assert model[0].exempt_from_decay
