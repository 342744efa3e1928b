"""What the blocks of data sets say about pictures: the same for evaluation, prediction and an exported model."""

import logging

import numpy as np
import pytest

from segwright.build import build_dataset, build_transforms, evaluation_transforms, training_transforms, with_own
from segwright.bundle import Preprocessing
from segwright.images import write_image, write_label_map
from segwright.images.palette import default_palette

RGB = [90, 140, 200]
NORMALIZE = {"type": "Normalize", "mean": [0.485, 0.458, 0.408], "std": [0.23, 0.24, 0.25]}
PADDING = {"type": "ScalePadding", "target_size": [24, 24], "im_padding_value": RGB, "label_padding_value": 0}
REVERSE = {"type": "ReverseChannels"}


@pytest.fixture
def eg1800(tmp_path):
    """The block of a validation set of one picture, as PaddleSeg's PortraitNet has it."""
    rng = np.random.default_rng(0)
    write_image(tmp_path / "Images" / "1.png", rng.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    write_label_map(tmp_path / "Labels" / "1.png", np.ones((20, 30), np.uint8), default_palette(2))
    for mode in ("train", "test"):
        (tmp_path / f"eg1800_{mode}.txt").write_text("1.png\n")
    nothing = {"transforms1": None, "transforms2": None}
    return {"type": "EG1800", "dataset_root": str(tmp_path), "common_transforms": [PADDING, NORMALIZE], **nothing}


def test_portraits_are_predicted_and_deployed_as_they_are_evaluated(eg1800, caplog):
    with caplog.at_level(logging.WARNING, "segwright"):
        dataset = build_dataset({**eg1800, "mode": "val"})
        blocks = evaluation_transforms(eg1800)
        predicting = build_transforms(blocks)
        deployed = Preprocessing(blocks)
    assert not caplog.records
    evaluated, _ = dataset[0]
    np.testing.assert_array_equal(np.moveaxis(predicting(dataset.pairs[0].image).image, -1, 0), evaluated)
    np.testing.assert_array_equal(deployed(dataset.load(0)[0]).tensor, evaluated)
    wanted = (np.array(RGB) / 255 - NORMALIZE["mean"]) / NORMALIZE["std"]
    np.testing.assert_allclose(evaluated[:, -1, -1], wanted[::-1], rtol=1e-5)  # a padded pixel, blue first


def test_other_transforms_for_portraits_keep_their_order_of_channels(eg1800):
    assert with_own(eg1800, [NORMALIZE]) == [NORMALIZE, REVERSE]
    assert with_own(eg1800, [REVERSE, NORMALIZE]) == [REVERSE, NORMALIZE]


def test_training_pictures_of_portraits_go_through_two_lists(eg1800):
    block = {**eg1800, "common_transforms": [{"type": "RandomHorizontalFlip"}], "transforms1": [NORMALIZE]}
    assert training_transforms(block) == [{"type": "RandomHorizontalFlip"}, NORMALIZE, REVERSE]


@pytest.mark.parametrize("transforms", [evaluation_transforms, training_transforms])
def test_other_data_sets_have_one_list(transforms):
    assert transforms({"type": "Dataset", "transforms": [NORMALIZE]}) == [NORMALIZE]
    assert transforms({"type": "Dataset", "transforms": None}) == transforms({}) == []
