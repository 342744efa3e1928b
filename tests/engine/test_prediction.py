"""Label maps and overlays on disk."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from test_evaluation import Threshold

import segwright.transforms as T
from segwright.engine.inference import Procedure
from segwright.engine.inputs import find_inputs
from segwright.engine.prediction import predict
from segwright.errors import DataError
from segwright.images import read_image, read_label

pytestmark = pytest.mark.usefixtures("one_thread")


def predict_toy(images, save_dir, **options):
    return predict(
        Threshold(), transforms=[T.Normalize()], image_list=images, save_dir=save_dir, device="cpu", **options
    )


def test_label_maps_hold_class_ids_at_the_pictures_size(toy_data, tmp_path):
    result = predict_toy([toy_data / "images/00.png"], tmp_path)
    assert result.label_maps == [tmp_path / "pseudo_color_prediction/00.png"]
    label, truth = read_label(result.label_maps[0]), read_label(toy_data / "labels/00.png")
    assert (label[truth != 255] == truth[truth != 255]).all()
    assert Image.open(result.label_maps[0]).mode == "P"


def test_overlays_tint_the_object_and_leave_the_background(toy_data, tmp_path):
    predict_toy([toy_data / "images/00.png"], tmp_path)
    before, after = read_image(toy_data / "images/00.png"), read_image(tmp_path / "added_prediction/00.png")
    label = read_label(tmp_path / "pseudo_color_prediction/00.png")
    assert (before[label == 0] == after[label == 0]).all()
    expected = 0.6 * before[label == 1] + 0.4 * np.array([0, 128, 0])
    assert np.abs(after[label == 1] - expected).max() <= 1


def test_r19_equal_names_in_two_folders_are_both_kept(toy_data, tmp_path):
    for folder in ("a", "b/deep"):
        (tmp_path / "in" / folder).mkdir(parents=True)
        shutil.copy(toy_data / "images/00.png", tmp_path / "in" / folder / "1.png")
    found = find_inputs(tmp_path / "in")
    result = predict_toy(found.images, tmp_path / "out", image_dir=found.folder)
    assert [path.relative_to(tmp_path / "out").as_posix() for path in result.label_maps] == [
        "pseudo_color_prediction/a/1.png",
        "pseudo_color_prediction/b/deep/1.png",
    ]
    assert (tmp_path / "out/added_prediction/b/deep/1.png").is_file()


def test_one_unreadable_picture_does_not_stop_the_others(toy_data, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    result = predict_toy([broken, toy_data / "images/00.png"], tmp_path / "out")
    assert list(result.failures) == [broken]
    assert len(result.label_maps) == 1


def test_own_colours_go_first(toy_data, tmp_path):
    predict_toy([toy_data / "images/00.png"], tmp_path, custom_color=[1, 2, 3, 200, 100, 50])
    palette = Image.open(tmp_path / "pseudo_color_prediction/00.png").getpalette()
    assert palette[:6] == [1, 2, 3, 200, 100, 50]


def test_predictions_come_back_to_the_size_of_the_picture(toy_data, tmp_path):
    steps = [T.Resize((33, 57)), T.Padding((64, 64)), T.Normalize()]
    result = predict(
        Threshold(),
        transforms=T.Compose(steps),
        image_list=[toy_data / "images/01.png"],
        save_dir=tmp_path,
        device="cpu",
    )
    label, truth = read_label(result.label_maps[0]), read_label(toy_data / "labels/01.png")
    assert label.shape == truth.shape
    assert (label == truth).mean() > 0.9


def test_predicting_the_reference_checkpoint_gives_its_label_maps(shared, tmp_path):
    import segwright

    folder = shared / "reference/end_to_end"
    model = segwright.build_model({"type": "BiSeNetV2", "num_classes": 11})
    names = ["0016E5_07959", "0016E5_07987", "0016E5_08017"]
    result = predict(
        model,
        folder / "bisenetv2_camvid/model.pdparams",
        transforms=[T.Normalize()],
        image_list=[folder / f"images/{name}.png" for name in names],
        save_dir=tmp_path,
        device="cpu",
    )
    for path, name in zip(result.label_maps, names, strict=True):
        expected = np.asarray(Image.open(folder / f"bisenetv2_camvid/pred_plain_{name}.png"))
        assert (read_label(path) == expected).mean() > 0.9999


def test_nothing_to_predict_is_an_error(tmp_path):
    with pytest.raises(DataError, match="image_list is empty"):
        predict_toy([], tmp_path)
    with pytest.raises(DataError, match="no picture in"):
        find_inputs(tmp_path)


def test_the_model_keeps_its_training_state(toy_data, tmp_path):
    model = Threshold().train()
    predict(model, transforms=[T.Normalize()], image_list=[toy_data / "images/00.png"], save_dir=tmp_path, device="cpu")
    assert model.training
    assert torch.is_grad_enabled()


def test_r21_pictures_above_a_size_are_predicted_in_tiles_and_look_the_same(toy_data, tmp_path):
    images = sorted((toy_data / "images").iterdir())[:3]
    options = {"procedure": Procedure.from_flags(is_slide=True, crop_size=[32, 24], stride=[16, 12])}
    for name, limit in (("tiles", 1000), ("whole", 10**6)):
        assert predict_toy(images, tmp_path / name, tile_above=limit, **options).exit_code == 0
    for image in images:
        for folder in ("pseudo_color_prediction", "added_prediction"):
            tiles, whole = (read_image(tmp_path / name / folder / image.name) for name in ("tiles", "whole"))
            np.testing.assert_array_equal(tiles, whole)
    outputs = ["label_map", "coco"]
    result = predict_toy(images[:1], tmp_path / "more", tile_above=1000, outputs=outputs, **options)
    assert "coco needs all of it at once" in result.failures[images[0]]
