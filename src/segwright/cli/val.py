"""``segwright val --config FILE --model_path WEIGHTS``: score a model on the validation set."""

import argparse
from pathlib import Path

from segwright.cli.flags import add_config, add_device, add_inference, add_switch, add_weights, add_workers
from segwright.cli.multilabel import add_multilabel, set_multilabel


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("val", help="score a model on the validation set", description=__doc__)
    add_config(parser)
    add_weights(parser)
    add_workers(parser)
    add_device(parser)
    add_inference(parser, "aug_eval")
    add_multilabel(parser)
    add_switch(parser, "--auc_roc", "also compute the area under the ROC curve")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores as JSON")
    parser.add_argument(
        "--absent",
        choices=("one", "zero", "skip"),
        default="one",
        help="IoU of a class that occurs neither in labels nor in predictions: 1 (PaddleSeg now), "
        "0 (PaddleSeg until 2023), left out (mmsegmentation)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Evaluate, print the table, write the JSON."""
    from segwright import atomic
    from segwright.build import load_config
    from segwright.cli.runtime_sections import take_sections
    from segwright.cli.setup import (
        auc_roc_wanted,
        build_data,
        build_model_with_weights,
        inference_of,
        warn_of_overlap,
    )
    from segwright.cli.tables import print_scores
    from segwright.engine import evaluate
    from segwright.engine.device import select_device
    from segwright.engine.processes import connected
    from segwright.errors import ConfigError

    if args.json:
        atomic.ensure_folder(args.json.parent)
    config = load_config(args.config, args.opts)
    take_sections(config, args, "global")
    set_multilabel(config, args)
    config.require("val_dataset", "model", purpose="to evaluate")
    procedure = inference_of(config, args)
    dataset = build_data(config, "val_dataset")
    model = build_model_with_weights(config, args.model_path)
    if not (args.model_path or getattr(model, "pretrained", None)):
        raise ConfigError("no weights to evaluate: give --model_path, or model.pretrained in the config")
    device = select_device(args.device)
    with connected(device) as processes:
        result = evaluate(
            model.to(device),
            dataset,
            procedure=procedure,
            num_workers=args.num_workers,
            device=device,
            auc_roc=auc_roc_wanted(config, args),
        )
    if not processes.first:
        return
    scores = result.scores(args.absent)
    print_scores(scores, dataset.class_names)
    warn_of_overlap(config, dataset)
    if args.json:
        atomic.write_json(args.json, scores)
