"""PaddleSeg's areas and scores of the same predictions."""

import json

import numpy as np
import pytest

from segwright.metrics import ConfusionMatrix


def test_areas_and_scores_match_the_reference(shared):
    folder = shared / "reference" / "metrics"
    cases = [case for case in json.loads((folder / "cases.json").read_text())["cases"] if "use_multilabel" not in case]
    assert cases
    with np.load(folder / "data.npz") as data:
        for case in cases:
            name = case["name"]
            matrix = ConfusionMatrix(case["num_classes"], case["ignore_index"])
            pred, label = data[f"{name}|pred"], data[f"{name}|label"]
            matrix.update(pred.reshape(label.shape), label)
            assert matrix.intersect_area.tolist() == case["intersect"], name
            assert matrix.pred_area.tolist() == case["pred_area"], name
            assert matrix.label_area.tolist() == case["label_area"], name
            scores = matrix.scores()
            for ours, theirs in {
                "mIoU": "mean_iou",
                "Acc": "accuracy",
                "Kappa": "kappa",
                "mDice": "mean_dice",
                "class_iou": "class_iou",
                "class_dice": "class_dice",
                "class_precision": "class_precision",
                "class_recall": "class_recall",
            }.items():
                assert scores[ours] == (case[theirs] and pytest.approx(case[theirs], rel=0, abs=1e-9)), (name, ours)
