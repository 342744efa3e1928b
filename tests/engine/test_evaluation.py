"""Scores of a model on a data set, and the mistakes that make them meaningless."""

import logging

import numpy as np
import pytest
import torch
from torch import nn

import segwright
import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.engine.evaluation import evaluate
from segwright.engine.inference import Procedure
from segwright.errors import ConfigError, DataError

pytestmark = pytest.mark.usefixtures("one_thread")


class Threshold(nn.Module):
    """Knows the toy data: bright pixels are class 1."""

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.num_classes = num_classes

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        bright = image.mean(dim=1, keepdim=True)
        empty = torch.full_like(bright, -10.0).expand(-1, self.num_classes - 2, -1, -1)
        return [torch.cat([-bright, bright, empty], dim=1)]


def val_set(root, *steps, **options) -> Dataset:
    return Dataset(
        [*steps, T.Normalize()], root, options.pop("num_classes", 2), mode="val", val_path="val.txt", **options
    )


def test_a_model_that_knows_the_answer_scores_one_without_counting_ignored_pixels(toy_data):
    scores = evaluate(Threshold(), val_set(toy_data)).scores()
    assert scores["images"] == 4
    assert scores["mIoU"] > 0.999
    assert sum(evaluate(Threshold(), val_set(toy_data)).confusion.label_area) == 4 * (40 * 48 - 1)


def test_scores_are_at_the_size_of_the_label_whatever_the_transforms(toy_data):
    resized = evaluate(Threshold(), val_set(toy_data, T.Resize((96, 80)), T.Padding((128, 96))))
    assert sum(resized.confusion.label_area) == 4 * (40 * 48 - 1)
    assert resized.scores()["mIoU"] > 0.95


def test_readers_change_nothing_and_training_state_comes_back(toy_data):
    model = Threshold().train()
    assert evaluate(model, val_set(toy_data)).scores() == evaluate(model, val_set(toy_data), num_workers=2).scores()
    assert model.training


def test_sliding_windows_and_flips_give_the_same_scores_for_a_per_pixel_model(toy_data):
    plain = evaluate(Threshold(), val_set(toy_data)).scores()
    sliding = Procedure.from_flags(
        augment=True, flip_horizontal=True, is_slide=True, crop_size=[17, 13], stride=[9, 13]
    )
    assert evaluate(Threshold(), val_set(toy_data), procedure=sliding).scores() == plain


def test_evaluating_with_another_number_of_classes_is_an_error(toy_data):
    with pytest.raises(ConfigError, match="the model predicts 5 classes, but the data set has 2"):
        evaluate(Threshold(5), val_set(toy_data))


def test_evaluating_training_data_or_pictures_without_labels_is_an_error(toy_data, tmp_path):
    with pytest.raises(ConfigError, match="in mode 'train' its pictures are augmented"):
        evaluate(Threshold(), Dataset([T.Normalize()], toy_data, 2, train_path="train.txt"))
    (tmp_path / "list.txt").write_text("images/00.png\n")
    bare = Dataset([T.Normalize()], toy_data, 2, mode="test", test_path=tmp_path / "list.txt")
    with pytest.raises(DataError, match=r"00\.png has no label"):
        evaluate(Threshold(), bare)


def test_r15_a_class_that_never_occurs_is_said_with_all_three_means(toy_data, caplog):
    with caplog.at_level(logging.INFO, logger="segwright"):
        evaluation = evaluate(Threshold(3), val_set(toy_data, num_classes=3))
    text = "\n".join(record.message for record in caplog.records)
    assert "Classes 2 occur neither in labels nor in predictions" in text
    assert "as PaddleSeg does now" in text
    assert [evaluation.scores(absent)["mIoU"] > 0.9 for absent in ("one", "zero", "skip")] == [True, False, True]


def test_r09_a_label_turned_against_its_picture_stops_evaluation(tmp_path):
    from conftest import write_toy_pictures

    from segwright.images import default_palette, read_label, write_label_map

    root = write_toy_pictures(tmp_path / "data")
    path = root / "labels/09.png"
    write_label_map(path, np.rot90(read_label(path)), default_palette(2))
    with pytest.raises(DataError, match=r"09\.png is 48x40, .*is 40x48"):
        evaluate(Threshold(), val_set(root))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, {"mIoU": 0.316076, "Acc": 0.759591, "Kappa": 0.687800, "mDice": 0.375767}),
        pytest.param(
            {"augment": True, "scales": [0.75, 1.0, 1.25], "flip_horizontal": True},
            {"mIoU": 0.327076, "Acc": 0.772466, "Kappa": 0.703271, "mDice": 0.385722},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"is_slide": True, "crop_size": [256, 256], "stride": [128, 128]},
            {"mIoU": 0.318402, "Acc": 0.762911, "Kappa": 0.691786, "mDice": 0.377754},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["plain", "scales-and-flip", "windows"],
)
@pytest.mark.slow
def test_the_checkpoint_that_paddleseg_trained_scores_as_there(shared, flags, expected):
    folder = shared / "reference/end_to_end"
    model = segwright.build_model({"type": "BiSeNetV2", "num_classes": 11})
    segwright.load_weights(model, folder / "bisenetv2_camvid/model.pdparams")
    data = Dataset([T.Normalize()], folder, 11, mode="val", val_path=folder / "val30.txt")
    scores = evaluate(model, data, procedure=Procedure.from_flags(**flags)).scores()
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=5e-5)
