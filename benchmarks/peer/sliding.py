"""PaddleSeg's sliding windows, as its ``val.py --is_slide`` predicts one picture."""

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
    args = parser.parse_args()

    versions = paddle3.prepare()
    case = CASES[args.case]
    model = build_model(case.model)
    model.eval()
    image = paddle.randn(case.forward)

    @paddle.no_grad()
    def slide() -> paddle.Tensor:
        return slide_inference(model, image, **SLIDING)

    serve(slide, versions)


if __name__ == "__main__":
    main()
