"""PaddleSeg's forward (dygraph, evaluation, no gradients), plain or as its ``val.py --is_slide`` does it."""

import argparse

import paddle
from paddleseg.core.infer import slide_inference

from benchmarks.cases import CASES, SLIDING
from benchmarks.peer import paddle3
from benchmarks.peer.build import build_model
from benchmarks.worker import serve


def main() -> None:
    """Prepare model and image, then predict when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--is_slide", action="store_true")
    args = parser.parse_args()

    versions = paddle3.prepare()
    case = CASES[args.case]
    model = build_model(case.model)
    model.eval()
    image = paddle.randn(case.forward)

    @paddle.no_grad()
    def forward() -> paddle.Tensor:
        return slide_inference(model, image, **SLIDING) if args.is_slide else model(image)[0]

    serve(forward, versions)


if __name__ == "__main__":
    main()
