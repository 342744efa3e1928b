"""``segwright predict --config FILE --model_path WEIGHTS --image_path PATH``: label maps and overlays of pictures."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.cli.flags import add_config, add_device, add_inference, add_switch, add_weights, positive
from segwright.cli.multilabel import add_multilabel, set_multilabel

if TYPE_CHECKING:
    import numpy as np

    from segwright.config import Config
    from segwright.engine.inputs import Pictures


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("predict", help="predict pictures or a video", description=__doc__)
    add_config(parser)
    add_weights(parser)
    parser.add_argument(
        "--image_path",
        required=True,
        metavar="PATH",
        help="a picture, a folder (with its sub-folders), a text file that lists pictures, a pattern in quotes such as "
        "'pics/*.jpg', a video file, the number of a camera, or the address of a stream (rtsp://...)",
    )
    parser.add_argument(
        "--save_dir",
        type=Path,
        default=Path("output/result"),
        metavar="DIR",
        help="gets a folder for each output: label maps in pseudo_color_prediction/, overlays in added_prediction/; "
        "with --use_multilabel also multilabel_prediction/",
    )
    parser.add_argument(
        "--outputs",
        nargs="+",
        metavar="NAME",
        help="label_map (PNG of class ids), overlay, legend (an overlay with the names of its classes), comparison "
        "(truth, prediction and difference, where label maps are known), probabilities (npz), labelme and coco "
        "(outlines as JSON), table (CSV of each class's share, confidence and time); of a video overlay, legend and "
        "label_map; default: label_map overlay, of a video overlay",
    )
    parser.add_argument(
        "--simplify",
        type=float,
        default=0.0,
        metavar="PIXELS",
        help="leave out points of labelme's and COCO's outlines as long as they stay so close to the true ones",
    )
    parser.add_argument(
        "--custom_color", type=int, nargs="+", metavar="0..255", help="r g b r g b ... for the classes in order"
    )
    parser.add_argument(
        "--tile_above",
        type=positive,
        default=50,
        metavar="MEGAPIXELS",
        help="with --is_slide, larger pictures are read, predicted and written window by window, in little memory",
    )
    parser.add_argument(
        "--max_megapixels",
        type=positive,
        metavar="MEGAPIXELS",
        help="refuse larger pictures, by what the file says, before they are decoded; default: 89 for those that are "
        "read at once, 1000 window by window",
    )
    add_switch(parser, "--resume", "leave out pictures that an interrupted run of the same command has done")
    parser.add_argument(
        "--video_format",
        choices=("mp4", "webm"),
        default="mp4",
        help="mp4 (MPEG-4, fast) or webm (VP8, ten times slower to write, plays in browsers too)",
    )
    parser.add_argument("--max_frames", type=positive, metavar="N", help="end a video or camera after so many frames")
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16"),
        default="fp32",
        help="bf16 and fp16 round, which changes a few pixels, and are faster where the device has them: bf16 on GPUs "
        "and on processors with AVX512_BF16 or AMX, fp16 on GPUs",
    )
    add_inference(parser, "aug_pred")
    add_multilabel(parser)
    add_device(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict; 2 if a picture could not be read."""
    from segwright.build import build_transforms, evaluation_transforms, load_config
    from segwright.cli.runtime_sections import take_sections
    from segwright.cli.setup import build_model_with_weights, inference_of
    from segwright.engine import predict
    from segwright.engine.device import select_device
    from segwright.engine.inputs import VideoSource, find_inputs
    from segwright.engine.processes import connected
    from segwright.engine.readers import keep_memory
    from segwright.engine.video_prediction import predict_video
    from segwright.errors import ConfigError
    from segwright.registry import DATASETS

    config = load_config(args.config, args.opts)
    take_sections(config, args, "global")
    set_multilabel(config, args)
    config.require("val_dataset", "model", purpose="to predict")
    procedure = inference_of(config, args, "aug_pred")
    val = config.section("val_dataset") or {}
    inputs = find_inputs(args.image_path)
    _check_flags(args, is_video=isinstance(inputs, VideoSource))
    model = build_model_with_weights(config, args.model_path)
    if not (args.model_path or getattr(model, "pretrained", None)):
        raise ConfigError("no weights to predict with: give --model_path, or model.pretrained in the config")
    kind = DATASETS[val["type"]]
    common = {
        "transforms": build_transforms(evaluation_transforms(val), img_channels=val.get("img_channels", 3)),
        "save_dir": args.save_dir,
        "procedure": procedure,
        "custom_color": args.custom_color,
        "palette": getattr(kind, "palette", None),
        "class_names": val.get("class_names") or getattr(kind, "class_names", None),
        "device": args.device,
        "precision": args.precision,
        "multilabel": val.get("multilabel", False),
        **({"outputs": args.outputs} if args.outputs else {}),
    }
    keep_memory()
    with connected(select_device(args.device)):
        if isinstance(inputs, VideoSource):
            suffix = f".{args.video_format}"
            return predict_video(model, source=inputs, suffix=suffix, max_frames=args.max_frames, **common).exit_code
        return predict(
            model,
            image_list=inputs.images,
            image_dir=inputs.folder,
            truth=_truth(config, inputs) if "comparison" in (args.outputs or ()) else None,
            simplify=args.simplify,
            resume=args.resume,
            tile_above=args.tile_above * 1_000_000,
            max_pixels=args.max_megapixels and args.max_megapixels * 1_000_000,
            bit_depth=val.get("bit_depth"),
            **common,
        ).exit_code


def _check_flags(args: argparse.Namespace, *, is_video: bool) -> None:
    """Refuse flags that would do nothing."""
    from segwright.errors import ConfigError

    outlines = {"labelme", "coco"} & set(args.outputs or ())
    for name in sorted(args.given & {"simplify", "resume", "video_format", "max_frames", "max_megapixels"}):
        if name == "simplify" and not is_video and not outlines:
            raise ConfigError("--simplify is for outlines: add --outputs labelme or coco")
        if (name in ("video_format", "max_frames")) != is_video:
            what = "pictures" if is_video else "a video, a camera or a stream"
            raise ConfigError(f"--{name} is for {what}, which --image_path {args.image_path} is not: leave it out")


def _truth(config: "Config", inputs: "Pictures") -> "Callable[[Path], np.ndarray | None] | None":
    """The true label maps that are known: those of the list file, else those of the config's validation set."""
    from segwright.cli.setup import build_data
    from segwright.images import read_label

    if inputs.labels:
        labels = inputs.labels
        return lambda image: read_label(labels[image]) if image in labels else None
    dataset = build_data(config, "val_dataset")
    numbers = {pair.image.resolve(): number for number, pair in enumerate(dataset.pairs)}
    if not any(image.resolve() in numbers for image in inputs.images):
        return None

    def truth(image: Path) -> "np.ndarray | None":
        number = numbers.get(image.resolve())
        return None if number is None else dataset.load_label(number)

    return truth
