"""segwright export --config CONFIG --model_path WEIGHTS: write model.onnx and the deploy.yaml that describes it."""

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.flags import add_config, add_switch, add_weights, positive
from segwright.errors import ConfigError, DataError

if TYPE_CHECKING:
    from segwright.config import Config
    from segwright.datasets.base import SegmentationDataset

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
        "--verify_dataset",
        type=positive,
        nargs="?",
        const=sys.maxsize,
        metavar="N",
        help="also score model and export on N pictures of the validation data, or all of them: mIoU has to stay",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Build the model, load its weights, export, verify."""
    output_op = choose_output_op(args.output_op, args.without_argmax, args.with_softmax)

    from segwright.build import load_config
    from segwright.build.load import complete
    from segwright.cli.setup import build_model_with_weights
    from segwright.export import export_model

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
    bundle = export_model(
        model,
        args.save_dir,
        transforms=choose_transforms(config),
        num_classes=filled["model"]["num_classes"],
        file_format=args.format,
        input_shape=args.input_shape,
        output_op=output_op,
        picture_input=args.picture_input,
        img_channels=val.get("img_channels", filled["model"].get("in_channels", 3)),
        bit_depth=val.get("bit_depth"),
        class_names=dataset.class_names if dataset else val.get("class_names"),
        palette=dataset.palette if dataset else None,
        dataset=_labelled(dataset) if args.verify_dataset else None,
        count=args.verify_dataset,
        pictures=[dataset.load_image(index) for index in range(min(2, len(dataset)))] if dataset else None,
    )
    log.info("verified %s", bundle.verification)
    if bundle.scores:
        log.info(
            "mIoU on %d pictures: model %.4f, export %.4f",
            bundle.scores.pictures,
            bundle.scores.model["mIoU"],
            bundle.scores.export["mIoU"],
        )
    log.info("the model is saved in %s; try it: segwright infer --config %s --selftest", bundle.folder, bundle.manifest)


def _labelled(dataset: "SegmentationDataset | None") -> "SegmentationDataset":
    """The data set to score on.

    Raises:
        ConfigError: there is none.
    """
    if dataset is None:
        raise ConfigError("--verify_dataset wants validation data, but the config's val_dataset is missing or unusable")
    return dataset


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
