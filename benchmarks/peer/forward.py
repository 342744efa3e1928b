"""PaddleSeg's BiSeNetV2 forward (dygraph, evaluation, no gradients)."""

import argparse

import paddle
from paddleseg.models import BiSeNetV2

from benchmarks.peer import paddle3
from benchmarks.worker import serve


def main() -> None:
    """Prepare model and image, then predict when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=4, metavar=("N", "C", "H", "W"))
    parser.add_argument("--num_classes", type=int)
    args = parser.parse_args()

    versions = paddle3.prepare()
    model = BiSeNetV2(num_classes=args.num_classes)
    model.eval()
    image = paddle.randn(args.shape)

    @paddle.no_grad()
    def forward() -> paddle.Tensor:
        return model(image)[0]

    serve(forward, versions)


if __name__ == "__main__":
    main()
