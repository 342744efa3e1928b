"""One training step of ours, as ``segwright train`` does it."""

import argparse

import torch

from benchmarks.cases import CASES
from benchmarks.worker import serve
from segwright.build import build_losses, build_model, build_optimizer
from segwright.engine.objective import Objective
from segwright.engine.readers import keep_memory
from segwright.version import __version__


def main() -> None:
    """Prepare model and batch, then step when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()

    keep_memory()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    case = CASES[args.case]
    model = build_model(case.model)
    model.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    objective = Objective.of(build_losses(case.loss))
    optimizer = build_optimizer({"type": "SGD", "momentum": 0.9, "weight_decay": 4e-5}, model, lr=0.01)
    batch, _, height, width = case.step
    image = torch.randn(case.step)  # comes from the loader as (N, C, H, W): the conversion belongs to the step
    label = torch.randint(case.num_classes, (batch, height, width))

    def step() -> float:
        outputs = model(image.contiguous(memory_format=torch.channels_last))
        loss = torch.stack(objective(outputs, {"label": label})).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    serve(step, f"segwright {__version__} on PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
