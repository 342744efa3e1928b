"""Our forward: eager PyTorch, or an exported model on ONNX Runtime."""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.cases import CASES, Case
from benchmarks.worker import serve


def main() -> None:
    """Prepare model and image, then predict when told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="run this exported model; default: eager PyTorch")
    args = parser.parse_args()
    case = CASES[args.case]
    image = np.random.default_rng(0).standard_normal(case.forward, dtype=np.float32)
    if args.onnx:
        serve_onnx(args.onnx, image, args.threads)
    else:
        serve_eager(image, case, args.threads)


def serve_eager(array: np.ndarray, case: Case, threads: int) -> None:
    """The model in PyTorch, channels last as training has it."""
    import torch

    from segwright.build import build_model
    from segwright.version import __version__

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = build_model(case.model).eval()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    image = torch.from_numpy(array)

    @torch.inference_mode()
    def forward() -> torch.Tensor:
        return model(image.contiguous(memory_format=torch.channels_last))[0]

    serve(forward, f"segwright {__version__} on PyTorch {torch.__version__}")


def serve_onnx(path: Path, image: np.ndarray, threads: int) -> None:
    """The exported model, in the session that ``segwright infer`` opens; torch stays out of this process."""
    from segwright.runtime import EngineOptions, open_engine

    engine = open_engine(path, "onnx", EngineOptions(engine="onnxruntime", cpu_threads=threads))
    serve(lambda: engine.run(image), engine.title)


if __name__ == "__main__":
    main()
