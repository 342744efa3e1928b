"""``segwright val --config FILE --model_path WEIGHTS``: score a model on the validation set."""

import argparse
import logging
from pathlib import Path

from segwright.cli.flags import add_config, add_device, add_inference, add_weights, add_workers, positive
from segwright.cli.multilabel import add_multilabel, set_multilabel
from segwright.cli.val_report import add_report, report_observer, setting_of, title_of, write_val_report
from segwright.cli.val_scores import add_scores, all_scores, write_per_image

log = logging.getLogger("segwright")


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("val", help="score a model on the validation set", description=__doc__)
    add_config(parser)
    add_weights(parser)
    add_workers(parser)
    add_device(parser)
    parser.add_argument(
        "--batch_size",
        type=positive,
        default=1,
        metavar="N",
        help="pictures that go through the model together where they follow each other and are of one size",
    )
    add_inference(parser, "aug_eval")
    add_multilabel(parser)
    add_scores(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the scores as JSON")
    add_report(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Evaluate, print the table, write the JSON and the report."""
    from segwright import atomic
    from segwright.build import load_config
    from segwright.build.load import complete
    from segwright.cli.runtime_sections import take_sections
    from segwright.cli.setup import (
        auc_roc_wanted,
        build_data,
        build_model_with_weights,
        inference_of,
        warn_of_overlap,
    )
    from segwright.cli.tables import print_scores
    from segwright.config import to_yaml
    from segwright.engine import evaluate
    from segwright.engine.device import select_device
    from segwright.engine.processes import connected
    from segwright.errors import ConfigError
    from segwright.metrics.confidence import require_several

    for file in (args.json, args.per_image):
        if file:
            atomic.ensure_folder(file.parent)
    config = load_config(args.config, args.opts)
    take_sections(config, args, "global")
    set_multilabel(config, args)
    config.require("val_dataset", "model", purpose="to evaluate")
    procedure = inference_of(config, args)
    dataset = build_data(config, "val_dataset")
    if args.bootstrap:
        require_several(len(dataset))
    model = build_model_with_weights(config, args.model_path)
    if not (args.model_path or getattr(model, "pretrained", None)):
        raise ConfigError("no weights to evaluate: give --model_path, or model.pretrained in the config")
    device = select_device(args.device)
    observer = report_observer(args.report, dataset, device) if args.report else None
    with connected(device) as processes:
        result = evaluate(
            model.to(device),
            dataset,
            procedure=procedure,
            batch_size=args.batch_size,
            num_workers=args.num_workers,
            device=device,
            auc_roc=auc_roc_wanted(config, args),
            boundary_iou=args.boundary_iou,
            observers=[observer] if observer else [],
        )
        findings = observer.findings(processes) if observer else None
    if not processes.first:
        return
    scores = all_scores(result, args)
    print_scores(scores, dataset.class_names)
    caution = warn_of_overlap(config, dataset)
    if args.json:
        atomic.write_json(args.json, {**scores, "caution": caution} if caution else scores)
    if args.per_image:
        write_per_image(args.per_image, dataset, result)
    if findings:
        page = write_val_report(
            args.report,
            dataset,
            result,
            findings,
            scores,
            title=title_of(config),
            caution=caution,
            config=to_yaml(complete(config)),
            setting=setting_of(args, config, procedure, device),
        )
        log.info("The report: %s", page)
