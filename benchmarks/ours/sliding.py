"""Our sliding windows, as ``segwright val --is_slide`` predicts one picture."""

import argparse

import torch

from benchmarks.cases import CASES, SLIDING
from benchmarks.worker import serve
from segwright.build import build_model
from segwright.engine.evaluation import evaluating
from segwright.engine.inference import Procedure, infer
from segwright.version import __version__


def main() -> None:
    """Prepare model and image, then predict when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--batch_pixels", type=int, help="pixels that go through the model together; default: val's")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    case = CASES[args.case]
    image, model = torch.randn(case.forward), build_model(case.model)
    procedure = Procedure.from_flags(is_slide=True, batch_pixels=args.batch_pixels, **SLIDING)
    with evaluating(model):
        serve(lambda: infer(model, image, (), procedure), f"segwright {__version__} on PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
