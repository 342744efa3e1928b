"""Make of an export what an OAK camera takes: OpenVINO IR in FP16 of one size, fed with the camera's own bytes.

    python3 oak.py --config export/deploy.yaml --save_dir oak/

The camera hands the network uint8 planes, blue first, of the network's size. So the graph itself turns the channels and
normalises. It needs openvino, numpy and pyyaml, and runs on any computer; the device's own compiler comes after it.
"""

import argparse
from pathlib import Path

from arguments import run_program
from bundle import Bundle, read_bundle
from errors import EdgeError


def main() -> int:
    """Read the command line, convert, and say what the tools of the camera's maker want to hear."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="deploy.yaml of an ONNX export")
    parser.add_argument("--save_dir", type=Path, default=Path("oak"), metavar="DIR", help="default: oak")
    args = parser.parse_args()
    bundle = read_bundle(args.config)
    mean, scale = normalisation(bundle)
    convert(bundle, mean, scale, args.save_dir)
    turned = " --reverse_input_channels" if bundle.to_rgb else ""
    print(
        f"{args.save_dir}/oak.xml and oak.bin take (1, 3, {bundle.input_shape[2]}, {bundle.input_shape[3]}) uint8, BGR"
    )
    print(f"for the ONNX file itself: --mean_values={_list(mean)} --scale_values={_list(scale)}{turned}")
    return 0


def normalisation(bundle: Bundle) -> tuple[list[float], list[float]]:
    """What the network's own input has subtracted, and is then divided by, in 0..255 and its order of channels.

    Raises:
        EdgeError: the export does more than resize to its one size and normalise.
    """
    names = [block["type"] for block in bundle.transforms]
    if bundle.format != "onnx" or bundle.picture_input or min(bundle.input_shape) < 1 or bundle.input_shape[0] != 1:
        raise EdgeError("an OAK camera wants one size: export with --format onnx --input_shape 1 3 H W")
    if names != ["Resize", "Normalize"]:
        raise EdgeError(
            f"an OAK camera resizes, and the graph can normalise, but this export does {', '.join(names)}: name Resize "
            "and Normalize only in the configuration's export.transforms"
        )
    mean, std = (_three(bundle.transforms[1][key]) for key in ("mean", "std"))
    return [255 * value for value in mean], [255 * value for value in std]


def convert(bundle: Bundle, mean: list[float], scale: list[float], folder: Path) -> None:
    """Write ``oak.xml`` and ``oak.bin``."""
    import openvino
    from openvino.preprocess import ColorFormat, PrePostProcessor

    model = openvino.convert_model(bundle.model)
    steps = PrePostProcessor(model)
    image = steps.input()
    image.tensor().set_element_type(openvino.Type.u8).set_color_format(ColorFormat.BGR)
    image.tensor().set_layout(openvino.Layout("NCHW"))
    image.model().set_layout(openvino.Layout("NCHW"))
    todo = image.preprocess().convert_element_type(openvino.Type.f32)
    if bundle.to_rgb:
        todo = todo.convert_color(ColorFormat.RGB)
    todo.mean(mean).scale(scale)
    folder.mkdir(parents=True, exist_ok=True)
    openvino.save_model(steps.build(), folder / "oak.xml", compress_to_fp16=True)


def _three(values: float | list[float]) -> list[float]:
    given = values if isinstance(values, list) else [values]
    return given * (3 // len(given))


def _list(values: list[float]) -> str:
    return f"[{','.join(f'{value:g}' for value in values)}]"


if __name__ == "__main__":
    run_program(main)
