"""PaddleSeg's export: its wrapper around a model, saved for Paddle Inference, and the ``deploy.yaml`` of it."""

import argparse
from pathlib import Path

import paddle
import yaml
from paddleseg.deploy.export import WrappedModel

from benchmarks.cases import CASES
from benchmarks.peer.build import build_model


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--model_path", type=Path, required=True, help=".pdparams with every tensor of the model")
    parser.add_argument("--save_dir", type=Path, required=True)
    parser.add_argument("--input_shape", type=int, nargs=4, default=[None, 3, None, None], metavar="N")
    parser.add_argument("--num_classes", type=int, help="default: the case's")
    args = parser.parse_args()

    paddle.set_device("cpu")
    model = build_model(CASES[args.case].with_classes(args.num_classes).model)
    missing, unexpected = model.set_state_dict(paddle.load(str(args.model_path)))
    if missing or unexpected:
        raise SystemExit(f"{args.model_path} does not fit: missing {missing}, unexpected {unexpected}")
    model.eval()
    image = paddle.static.InputSpec(shape=args.input_shape, dtype="float32")
    network = paddle.jit.to_static(WrappedModel(model, "argmax"), input_spec=[image], full_graph=True)
    paddle.jit.save(network, str(args.save_dir / "model"))
    deploy = {
        "model": "model.json",
        "params": "model.pdiparams",
        "input_shape": [size or -1 for size in args.input_shape],
        "output_op": "argmax",
        "output_dtype": "int32",
        "transforms": [{"type": "Normalize"}],
    }
    (args.save_dir / "deploy.yaml").write_text(yaml.safe_dump({"Deploy": deploy}), encoding="utf-8")


if __name__ == "__main__":
    main()
