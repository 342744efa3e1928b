"""segwright export --config CONFIG --model_path WEIGHTS: write model.onnx and the deploy.yaml that describes it."""

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.ending import tidy_at_sigterm
from segwright.cli.flags import add_config, add_switch, add_weights, positive
from segwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from segwright.config import Config
    from segwright.datasets.base import SegmentationDataset
    from segwright.export import Calibration

CALIBRATION_PICTURES = 64
MAX_MIOU_LOSS = 0.5  # points

log = logging.getLogger("segwright")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add ``export`` to the commands."""
    parser = commands.add_parser(
        "export",
        help="write a trained model for other engines, verified",
        description="Write the model, deploy.yaml, two test pictures and a certificate, after checking that the "
        "exported file gives the trained model's logits and labels.",
    )
    add_config(parser)
    add_weights(parser)
    parser.add_argument(
        "--format",
        choices=("onnx", "openvino", "torch", "executorch"),
        default="onnx",
        help="kind of file: ONNX, OpenVINO's (.xml and .bin), torch.export's (.pt2) or ExecuTorch's (.pte, for phones)",
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16", "int8"),
        default="fp32",
        help="of the file: fp16 halves the weights; int8 also computes in integers, calibrated on pictures",
    )
    parser.add_argument("--save_dir", type=Path, default=Path("output"), metavar="DIR", help="where to write")
    parser.add_argument(
        "--input_shape",
        type=int,
        nargs=4,
        metavar=("N", "C", "H", "W"),
        help="the only shape that the model will take, height before width; -1 for any; default: any N, H and W",
    )
    parser.add_argument(
        "--output_op",
        choices=("argmax", "softmax", "none"),
        help="what the graph ends in: labels, probabilities or logits; default: argmax",
    )
    add_switch(parser, "--without_argmax", "older spelling of --output_op none")
    add_switch(parser, "--with_softmax", "older spelling of --output_op softmax")
    add_switch(
        parser,
        "--picture_input",
        "have the graph take pictures, (N, H, W, 3) uint8 RGB, resize and normalise them itself, and give results of "
        "their size",
    )
    parser.add_argument(
        "--triton",
        nargs="?",
        const="",
        metavar="NAME",
        help="also write a model repository for Triton, SAVE_DIR/triton, with the model as NAME, by default the save "
        "folder's; implies --picture_input, unless that is False",
    )
    parser.add_argument(
        "--verify_dataset",
        type=positive,
        nargs="?",
        const=sys.maxsize,
        metavar="N",
        help="also score model and export on N pictures of the validation data, or all of them: mIoU has to stay",
    )
    lower = parser.add_argument_group("int8 and fp16")
    lower.add_argument(
        "--calibration_path",
        type=Path,
        metavar="PATH",
        help="pictures to calibrate int8 with: a folder, a list or a picture; default: the training data",
    )
    lower.add_argument(
        "--calibration_pictures",
        type=positive,
        metavar="N",
        help=f"how many of them, evenly spread; default: {CALIBRATION_PICTURES}",
    )
    lower.add_argument(
        "--calibration_method",
        choices=("percentile", "entropy", "minmax"),
        help="how ranges are taken from what the layers give; default: percentile, without the outermost 1 in 10,000; "
        "entropy is not for executorch",
    )
    lower.add_argument(
        "--max_miou_loss",
        type=_points,
        metavar="POINTS",
        help="percentage points of mIoU that may be lost: int8 keeps layers in float32 until that is met; default: 0.5",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Build the model, load its weights, export, verify."""
    output_op = choose_output_op(args.output_op, args.without_argmax, args.with_softmax)
    _refuse_unused(args)

    from segwright.build import load_config
    from segwright.build.load import complete
    from segwright.cli.setup import build_model_with_weights
    from segwright.export import check_triton, export_model, write_triton

    name = args.triton or args.save_dir.resolve().name
    if args.triton is not None:
        check_triton(name, args.format)
    config = load_config(args.config, opts=args.opts)
    config.require("model", purpose="to export")
    if (config.section("val_dataset") or {}).get("multilabel"):
        raise ConfigError(
            f"{config.source.where('val_dataset', 'multilabel')}: exported models give one class a pixel, which would "
            "be wrong for a model of several; segwright predict --use_multilabel runs it"
        )
    model = build_model_with_weights(config, args.model_path)
    if not (args.model_path or getattr(model, "pretrained", None)):
        log.warning("neither --model_path nor model.pretrained is given: the exported weights are random")

    filled = complete(config)
    val = filled.get("val_dataset") or {}
    dataset = validation_set(config)
    with tidy_at_sigterm():
        bundle = export_model(
            model,
            args.save_dir,
            transforms=choose_transforms(config),
            num_classes=filled["model"]["num_classes"],
            file_format=args.format,
            precision=args.precision,
            calibration=_calibration(args, config) if args.precision == "int8" else None,
            input_shape=args.input_shape,
            output_op=output_op,
            picture_input=args.picture_input if "picture_input" in args.given else args.triton is not None,
            img_channels=val.get("img_channels", filled["model"].get("in_channels", 3)),
            bit_depth=val.get("bit_depth"),
            class_names=dataset.class_names if dataset else val.get("class_names"),
            palette=dataset.palette if dataset else None,
            dataset=_labelled(dataset, args.precision) if args.verify_dataset or args.precision == "int8" else None,
            count=args.verify_dataset,
            max_miou_loss=(MAX_MIOU_LOSS if args.max_miou_loss is None else args.max_miou_loss) / 100,
            pictures=[dataset.load_image(index) for index in range(min(2, len(dataset)))] if dataset else None,
        )
    log.info("verified %s", bundle.verification)
    if bundle.scores:
        log.info("%s", bundle.scores)
    if args.triton is not None:
        log.info("for Triton: tritonserver --model-repository %s", write_triton(bundle.folder, name).resolve())
    log.info("the model is saved in %s; try it: segwright infer --config %s --selftest", bundle.folder, bundle.manifest)


def _labelled(dataset: "SegmentationDataset | None", precision: str) -> "SegmentationDataset":
    """The data set to score on.

    Raises:
        ConfigError: there is none.
    """
    if dataset is None:
        flag = "--precision int8" if precision == "int8" else "--verify_dataset"
        raise ConfigError(f"{flag} wants validation data, but the config's val_dataset is missing or unusable")
    return dataset


def _refuse_unused(args: argparse.Namespace) -> None:
    """Fail on flags that speak of another precision.

    Raises:
        ConfigError: there is one.
    """
    for flag in ("calibration_path", "calibration_pictures", "calibration_method"):
        if args.precision != "int8" and getattr(args, flag) is not None:
            raise ConfigError(f"--{flag} speaks of --precision int8, and this is {args.precision}: leave one out")
    if args.max_miou_loss is not None and args.precision == "fp32":
        raise ConfigError("--max_miou_loss speaks of --precision int8 and fp16, and this is fp32: leave it out")
    if args.max_miou_loss is not None and args.precision == "fp16" and not args.verify_dataset:
        raise ConfigError("--max_miou_loss bounds what --verify_dataset measures: add that, or leave it out")


def _calibration(args: argparse.Namespace, config: "Config") -> "Calibration":
    """Pictures spread evenly over the calibration folder, or over the training data.

    Raises:
        ConfigError: there are none.
        DataError: the training data cannot be used.
    """
    from segwright.build import build_dataset
    from segwright.export import Calibration
    from segwright.images import list_images

    count = args.calibration_pictures or CALIBRATION_PICTURES
    method: Any = args.calibration_method or "percentile"
    if args.calibration_path is not None:
        paths = list_images(args.calibration_path)
        return Calibration([paths[index] for index in _spread(len(paths), count)], method)
    block = config.section("train_dataset")
    if not block:
        raise ConfigError(
            "--precision int8 wants pictures to calibrate with: give --calibration_path, or train_dataset"
        )
    dataset = build_dataset(block)
    return Calibration(map(dataset.load_image, _spread(len(dataset), count)), method)


def _spread(total: int, count: int) -> list[int]:
    count = min(total, count)
    return [number * total // count for number in range(count)]


def _points(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"want percentage points from 0 to 100, got {text}")
    return value


def choose_output_op(output_op: str | None, without_argmax: bool, with_softmax: bool) -> Any:
    """One output op from the new flag and the two old ones.

    Raises:
        ConfigError: they contradict each other.
    """
    old = "softmax" if with_softmax else "none" if without_argmax else None
    if output_op and old and output_op != old:
        flag = "--with_softmax" if with_softmax else "--without_argmax"
        raise ConfigError(f"--output_op {output_op} and {flag} (which means --output_op {old}) contradict each other")
    return output_op or old or "argmax"


def choose_transforms(config: "Config") -> list[dict[str, Any]]:
    """The validation transforms, unless the config's ``export: transforms:`` says otherwise.

    Where the two normalise differently, or there are none, a warning says so.
    """
    from segwright.build import evaluation_transforms, training_transforms, with_own

    train, val = (config.section(key) or {} for key in ("train_dataset", "val_dataset"))
    trained, export = evaluation_transforms(val), (config.section("export") or {}).get("transforms")
    if export:
        if trained and _normalisation(export) != _normalisation(trained):
            log.warning(
                "%s normalises as %s, but the validation data as %s: predictions of the exported model will differ",
                config.source.where("export", "transforms"),
                _normalisation(export),
                _normalisation(trained),
            )
        return with_own(val or train, export)
    if trained:
        return trained
    normalise = [block for block in training_transforms(train) if block["type"] == "Normalize"]
    blocks = normalise or [{"type": "Normalize"}]
    log.warning("the config has no validation transforms: deploy.yaml gets %s alone, no resizing", blocks[0])
    return with_own(train, blocks)


def _normalisation(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from segwright.bundle import Preprocessing

    return Preprocessing([block for block in blocks if block["type"] == "Normalize"]).blocks


def validation_set(config: "Config") -> "SegmentationDataset | None":
    """The validation data, if it is on this machine: test pictures, class names and colours come from it."""
    from segwright.build import build_dataset
    from segwright.fetch import without_downloads

    block = config.section("val_dataset")
    if not block:
        return None
    try:
        with without_downloads():  # its names, colours and two pictures are welcome, not worth a download
            return build_dataset(block)
    except (ConfigError, DataError) as error:
        log.warning("drawn test pictures instead of validation pictures, whose data set cannot be used: %s", error)
        return None
