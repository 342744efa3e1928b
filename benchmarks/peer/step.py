"""One training step of PaddleSeg's BiSeNetV2, as its training loop does it (dygraph)."""

import argparse

import paddle
from paddleseg.core.train import loss_computation
from paddleseg.models import BiSeNetV2
from paddleseg.models.losses import CrossEntropyLoss

from benchmarks.peer import paddle3
from benchmarks.worker import serve


def main() -> None:
    """Prepare model and batch, then step when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=4, metavar=("N", "C", "H", "W"))
    parser.add_argument("--num_classes", type=int)
    args = parser.parse_args()

    versions = paddle3.prepare()
    model = BiSeNetV2(num_classes=args.num_classes)
    model.train()
    losses = {"types": [CrossEntropyLoss() for _ in range(5)], "coef": [1, 1, 1, 1, 1]}
    optimizer = paddle.optimizer.Momentum(0.01, 0.9, parameters=model.parameters(), weight_decay=4e-5)
    batch, _, height, width = args.shape
    image = paddle.randn(args.shape)
    label = paddle.randint(0, args.num_classes, (batch, height, width), dtype="int64")

    def step() -> float:
        loss = sum(loss_computation(model(image), label, None, losses))
        loss.backward()
        optimizer.step()
        model.clear_gradients()
        return float(loss)

    serve(step, versions)


if __name__ == "__main__":
    main()
