"""What ``segwright val`` can tell beyond scores: of each picture, how sure they are, and what they mean."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwright.cli.flags import add_switch, positive

if TYPE_CHECKING:
    from segwright.datasets import SegmentationDataset
    from segwright.engine.evaluation import Evaluation

ABSENT = {"one": "1 (PaddleSeg now)", "zero": "0 (PaddleSeg until 2023)", "skip": "left out (mmsegmentation)"}


def add_scores(parser: argparse.ArgumentParser) -> None:
    """Flags for further scores."""
    group = parser.add_argument_group("further scores")
    add_switch(group, "--auc_roc", "also compute the area under the ROC curve")
    add_switch(
        group,
        "--boundary_iou",
        "also compute boundary IoU: of pixels near outlines, within 2%% of a picture's diagonal",
    )
    group.add_argument(
        "--bootstrap",
        type=positive,
        nargs="?",
        const=1000,
        metavar="N",
        help="also compute 95%% confidence intervals of mIoU, Acc and IoU from N resamples of the pictures; N is 1000 "
        "unless given",
    )
    group.add_argument("--per_image", type=Path, metavar="FILE", help="also write the scores of each picture as CSV")
    group.add_argument(
        "--absent",
        choices=tuple(ABSENT),
        default="one",
        help="IoU of a class that occurs neither in labels nor in predictions: "
        + ", ".join(f"{rule} is {meaning}" for rule, meaning in ABSENT.items()),
    )


def all_scores(result: "Evaluation", args: argparse.Namespace) -> dict[str, Any]:
    """The scores asked for, as ``--json`` writes them: those of the evaluation, and

    - ``confidence``: intervals, with ``--bootstrap``; see ``metrics.confidence``;
    - ``conventions``: what scores mean where customs differ, by name; where the treatment of absent classes matters,
      ``mIoU`` is there under each.
    """
    from segwright.metrics import bootstrap

    scores = result.scores(args.absent)
    conventions: dict[str, Any] = {
        "Acc": "pixel accuracy: the share of judged pixels that are predicted rightly",
        "class_precision": "what PaddleSeg's log calls Class Acc or Class Precision",
        "absent": f"IoU of a class in neither labels nor predictions: {ABSENT[args.absent]}",
    }
    if result.confusion.absent_classes:
        conventions["mIoU"] = result.confusion.mean_iou_by_convention()
    if result.boundary is not None:
        conventions["boundary_iou"] = "Cheng et al. 2021, d = 2% of the diagonal, areas summed over pictures"
    if args.bootstrap:
        areas = result.per_image.areas
        scores["confidence"] = bootstrap(areas, resamples=args.bootstrap, absent=args.absent)
    return {**scores, "conventions": conventions}


def write_per_image(path: Path, dataset: "SegmentationDataset", result: "Evaluation") -> None:
    """Write the table of pictures; see ``metrics.PerImage.to_csv``."""
    from segwright import atomic

    names = [str(pair.image) for pair in dataset.pairs]
    atomic.write_text(path, result.per_image.to_csv(names, dataset.class_names))
