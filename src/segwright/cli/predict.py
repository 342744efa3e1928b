"""``segwright predict --config FILE --model_path WEIGHTS --image_path PATH``: label maps and overlays of pictures."""

import argparse
from pathlib import Path

from segwright.cli.flags import add_config, add_device, add_inference, add_weights
from segwright.cli.multilabel import add_multilabel, set_multilabel


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("predict", help="predict pictures", description=__doc__)
    add_config(parser)
    add_weights(parser)
    parser.add_argument(
        "--image_path",
        type=Path,
        required=True,
        metavar="PATH",
        help="a picture, a folder (with its sub-folders), or a text file that lists pictures",
    )
    parser.add_argument(
        "--save_dir",
        type=Path,
        default=Path("output/result"),
        metavar="DIR",
        help="gets added_prediction/ and pseudo_color_prediction/; with --use_multilabel also multilabel_prediction/",
    )
    add_inference(parser, "aug_pred")
    add_multilabel(parser)
    parser.add_argument(
        "--custom_color", type=int, nargs="+", metavar="0..255", help="r g b r g b ... for the classes in order"
    )
    add_device(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predict; 2 if a picture could not be read."""
    from segwright.build import build_transforms, evaluation_transforms, load_config
    from segwright.cli.runtime_sections import take_sections
    from segwright.cli.setup import build_model_with_weights, inference_of
    from segwright.engine import predict
    from segwright.engine.prediction import find_images
    from segwright.errors import ConfigError
    from segwright.registry import DATASETS

    config = load_config(args.config, args.opts)
    take_sections(config, args, "global")
    set_multilabel(config, args)
    config.require("val_dataset", "model", purpose="to predict")
    procedure = inference_of(config, args, "aug_pred")
    val = config.section("val_dataset") or {}
    images, folder = find_images(args.image_path)
    model = build_model_with_weights(config, args.model_path)
    if not (args.model_path or getattr(model, "pretrained", None)):
        raise ConfigError("no weights to predict with: give --model_path, or model.pretrained in the config")
    result = predict(
        model,
        transforms=build_transforms(evaluation_transforms(val), img_channels=val.get("img_channels", 3)),
        image_list=images,
        image_dir=folder,
        save_dir=args.save_dir,
        procedure=procedure,
        custom_color=args.custom_color,
        palette=getattr(DATASETS[val["type"]], "palette", None),
        device=args.device,
        multilabel=val.get("multilabel", False),
    )
    return 2 if result.failures else 0
