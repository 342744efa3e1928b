"""PaddleSeg's areas and scores of the same predictions."""

import json

import numpy as np
import pytest

from segwright.metrics import ConfusionMatrix, MultiLabelCounts, auc_roc

NAMES = {
    "mIoU": "mean_iou",
    "Acc": "accuracy",
    "Kappa": "kappa",
    "mDice": "mean_dice",
    "class_iou": "class_iou",
    "class_dice": "class_dice",
    "class_precision": "class_precision",
    "class_recall": "class_recall",
}


@pytest.fixture
def reference(shared):
    """The cases, and their arrays."""
    folder = shared / "reference/metrics"
    with np.load(folder / "data.npz") as data:
        yield json.loads((folder / "cases.json").read_text()), data


def test_areas_and_scores_match_the_reference(reference):
    cases, data = reference
    for case in cases["cases"]:
        name = case["name"]
        pred, label = data[f"{name}|pred"], data[f"{name}|label"]
        if "use_multilabel" in case:
            counts = MultiLabelCounts(case["num_classes"])
            counts.update(pred, label)
            areas = counts.counts
        else:
            counts = ConfusionMatrix(case["num_classes"], case["ignore_index"])
            counts.update(pred.reshape(label.shape), label)
            areas = (counts.intersect_area, counts.pred_area, counts.label_area)
        assert [area.tolist() for area in areas] == [case["intersect"], case["pred_area"], case["label_area"]], name
        scores = counts.scores()
        for ours, theirs in NAMES.items():
            assert scores[ours] == (case[theirs] and pytest.approx(case[theirs], rel=0, abs=1e-9)), (name, ours)


def test_areas_under_roc_curves_match_the_reference(reference):
    cases, data = reference
    for case in cases["auc_roc"]:
        name, num_classes = case["name"], case["num_classes"]
        ours = auc_roc(data[f"{name}|prob"], data[f"{name}|label"], num_classes)
        assert ours == pytest.approx(case["value"], rel=0, abs=1e-9), name
