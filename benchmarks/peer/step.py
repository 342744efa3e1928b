"""One training step of PaddleSeg, as its training loop does it (dygraph)."""

import argparse

import paddle
from paddleseg.core.train import loss_computation

from benchmarks.cases import CASES
from benchmarks.peer import paddle3
from benchmarks.peer.build import build_losses, build_model
from benchmarks.worker import serve


def main() -> None:
    """Prepare model and batch, then step when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    args = parser.parse_args()

    versions = paddle3.prepare()
    case = CASES[args.case]
    model = build_model(case.model)
    model.train()
    losses = build_losses(case.loss)
    optimizer = paddle.optimizer.Momentum(0.01, 0.9, parameters=model.parameters(), weight_decay=4e-5)
    batch, _, height, width = case.step
    image = paddle.randn(case.step)
    label = paddle.randint(0, case.num_classes, (batch, height, width), dtype="int64")

    def step() -> float:
        loss = sum(loss_computation(model(image), label, None, losses))
        loss.backward()
        optimizer.step()
        model.clear_gradients()
        return float(loss)

    serve(step, versions)


if __name__ == "__main__":
    main()
