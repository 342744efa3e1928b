"""Evaluation and prediction where a pixel may have several labels."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from multilabel_data import write_pictures

import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.engine.evaluation import evaluate
from segwright.engine.inference import Procedure, decide
from segwright.engine.prediction import predict
from segwright.engine.tally import MultiLabelTally, RocTally
from segwright.errors import ConfigError, DataError
from segwright.images import read_image, read_label, split_maps
from segwright.metrics import MultiLabelCounts
from segwright.registry import MODELS
from segwright.types import Size

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("several"))


def val_set(root, *steps, num_classes=3) -> Dataset:
    return Dataset([*steps, T.Normalize()], root, num_classes, mode="val", val_path="val.txt", multilabel=True)


def per_channel(num_classes=3):
    return MODELS["PerChannel"](num_classes)


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_tally_is_the_counts(num_classes, seed):
    rng = np.random.default_rng(seed)
    tally, counts = MultiLabelTally(num_classes, 255, CPU), MultiLabelCounts(num_classes)
    for _ in range(2):
        label = rng.choice(np.array([0, 1, 255], np.uint8), (2, num_classes, 6, 5))
        pred = rng.random(label.shape) < 0.5
        tally.add(torch.from_numpy(pred), torch.from_numpy(label))
        counts.update(pred.astype(np.uint8), label)
    np.testing.assert_array_equal(tally.total().counts, counts.counts)
    assert tally.total().mean_iou_by_convention() == counts.mean_iou_by_convention()


def test_sizes_that_differ_are_an_error():
    with pytest.raises(DataError, match="the label's size"):
        MultiLabelTally(2, 255, CPU).add(torch.zeros(1, 2, 3, 3).bool(), torch.zeros(1, 2, 3, 4))


@pytest.mark.parametrize("num_classes", [1, 2, 4])
def test_areas_under_roc_curves_are_those_of_each_class(num_classes):
    skmetrics = pytest.importorskip("sklearn.metrics")
    torch.manual_seed(num_classes)
    label = torch.randint(0, 2, (2, num_classes, 30, 20), dtype=torch.uint8)
    logits = 2 * torch.randn(label.shape) + label
    label[:, :, 0] = 255
    tally = RocTally(num_classes, 255, CPU, multilabel=True)
    for one, its_label in zip(logits, label, strict=True):
        tally.add(one[None], its_label[None])
    valid = [label[:, index] != 255 for index in range(num_classes)]
    exact = [
        skmetrics.roc_auc_score(label[:, index][valid[index]], logits[:, index][valid[index]])
        for index in range(num_classes)
    ]
    assert tally.total().class_areas == pytest.approx(exact, abs=1e-4)
    assert tally.total().area == pytest.approx(np.mean(exact), abs=1e-4)


def test_decisions_are_the_references(shared):
    data = np.load(shared / "reference/inference/data.npz")
    logits, wanted = (torch.from_numpy(data[f"inference_multilabel|{name}"]) for name in ("logit", "pred"))
    assert torch.equal(decide(logits, multilabel=True).int(), wanted)
    assert (wanted.sum(dim=1) > 1).any()


def test_a_model_that_knows_the_answer_scores_one_without_counting_ignored_answers(root):
    result = evaluate(per_channel(), val_set(root), auc_roc=True)
    scores = result.scores()
    assert scores["class_iou"] == [1, 1, 1]
    assert (scores["mIoU"], scores["Acc"], scores["mDice"]) == (1, 1, 1)
    assert scores["class_auc_roc"] == [1, 1, 1]
    json.dumps(scores)


def test_scores_are_paddlesegs_formulas_on_the_areas(root):
    """Every class's prediction is that of the class before."""

    class Shifted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = per_channel()

        def forward(self, image):
            return [self.inner(image)[0].roll(1, dims=1)]

    data = val_set(root)
    maps = np.stack([data.load(index)[1] for index in range(len(data))]).astype(int)
    counted, yes = maps != 255, maps == 1
    pred = np.stack([data.load(index)[0] for index in range(len(data))]) > 127
    pred = np.roll(pred, 1, axis=-1) & counted
    both, predicted, labelled = ((area).sum(axis=(0, 1, 2)) for area in (pred & yes, pred, yes))
    scores = evaluate(Shifted(), data).scores()
    assert scores["class_iou"] == pytest.approx(both / (predicted + labelled - both))
    assert scores["Acc"] == pytest.approx(both.sum() / predicted.sum())
    chance = (predicted * labelled).sum() / labelled.sum() ** 2
    assert scores["Kappa"] == pytest.approx((both.sum() / labelled.sum() - chance) / (1 - chance))


def test_resizing_windows_and_flips_go_with_it(root):
    resized = evaluate(per_channel(), val_set(root, T.Resize((64, 48)))).scores()
    assert resized["mIoU"] > 0.95
    procedure = Procedure.from_flags(augment=True, flip_horizontal=True, is_slide=True, crop_size=[16, 16])
    assert evaluate(per_channel(), val_set(root), procedure=procedure).scores()["mIoU"] == 1


def test_the_auxiliary_class_is_scored_too(root):
    scores = evaluate(per_channel(4), val_set(root, T.AddMultiLabelAuxiliaryCategory(), num_classes=4)).scores()
    assert len(scores["class_iou"]) == 4
    assert scores["mIoU"] > 0.99


def test_the_number_of_classes_is_compared(root):
    with pytest.raises(ConfigError, match="predicts 4 classes, but the data set has 3"):
        evaluate(per_channel(4), val_set(root))


def predict_first(root, save_dir, steps=(), num_classes=3, **options):
    return predict(
        per_channel(num_classes),
        transforms=[*steps, T.Normalize()],
        image_list=[root / "0.png"],
        save_dir=save_dir,
        device="cpu",
        multilabel=True,
        **options,
    )


@pytest.mark.parametrize(("steps", "num_classes"), [((), 3), ((T.AddMultiLabelAuxiliaryCategory(),), 4)])
def test_every_answer_is_kept_in_a_label_file(root, tmp_path, steps, num_classes):
    result = predict_first(root, tmp_path, steps, num_classes)
    assert result.stacks == [tmp_path / "multilabel_prediction/0.png"]
    maps = split_maps(read_label(result.stacks[0]), Size(24, 32))
    np.testing.assert_array_equal(maps, read_image(root / "0.png") > 127)


def test_the_label_map_shows_the_last_class_and_the_overlay_all(root, tmp_path):
    result = predict_first(root, tmp_path, custom_color=[200, 0, 0])
    image = read_image(root / "0.png")
    bright = image > 127
    label = read_label(result.label_maps[0])
    assert result.label_maps == [tmp_path / "pseudo_color_prediction/0.png"]
    assert (label[~bright.any(axis=2)] == 0).all()
    for index in range(3):
        alone = bright[:, :, index] & (bright.sum(axis=2) == 1)
        assert (label[alone] == index + 1).all()
    assert (label[bright[:, :, 2]] == 3).all()
    drawn = read_image(tmp_path / "added_prediction/0.png")
    np.testing.assert_array_equal(drawn[~bright.any(axis=2)], image[~bright.any(axis=2)])
    assert (drawn[bright.any(axis=2)] != image[bright.any(axis=2)]).any(axis=1).all()
    first = read_image(tmp_path / "pseudo_color_prediction/0.png")[label == 1]
    assert (first == (200, 0, 0)).all()


def test_without_the_flag_one_class_a_pixel_as_before(root, tmp_path):
    result = predict(
        per_channel(), transforms=[T.Normalize()], image_list=[root / "0.png"], save_dir=tmp_path, device="cpu"
    )
    assert result.stacks == []
    assert not (tmp_path / "multilabel_prediction").exists()
    assert set(np.unique(read_label(result.label_maps[0]))) <= {0, 1, 2}
