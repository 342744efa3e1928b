"""Mistakes that cost people days with the original: each ends, or is warned about, before time is lost."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from toy_data import TOY_CONFIG, write_toy_pictures

import segwright
import segwright.transforms as T
from segwright.cli.main import main
from segwright.datasets import Dataset
from segwright.engine import evaluate
from segwright.errors import ConfigError, DataError
from segwright.images import default_palette, read_label, write_label_map
from segwright.types import Sample
from segwright.weights import save_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def data(tmp_path) -> Path:
    """A data set of this test's own, to be spoiled."""
    return write_toy_pictures(tmp_path / "data")


@pytest.fixture
def config(data, tmp_path) -> Path:
    """A configuration for it, with a small network."""
    path = tmp_path / "toy.yml"
    path.write_text(TOY_CONFIG.format(root=data, model="ToyNet", coef="[1, 1]"), encoding="utf-8")
    return path


@pytest.fixture
def command(config, capsys):
    """Runs ``segwright COMMAND --config toy.yml ...`` in this process; returns exit code and what was printed."""

    def run(name: str, *flags: object) -> tuple[int, str]:
        own = ["--device", "cpu"] if name in ("train", "val", "predict") else []
        try:
            code = main([name, "--config", str(config), *own, *map(str, flags)])
        except SystemExit as end:
            code = int(end.code or 0)
        output = capsys.readouterr()
        return code, " ".join((output.out + output.err).split())

    return run


@pytest.fixture
def train(command, tmp_path):
    """Trains for two iterations; returns exit code and what was printed."""
    return lambda *flags: command(
        "train", "--save_dir", tmp_path / "out", "--iters", 2, "--num_workers", 0, "--do_eval", *flags
    )


def change_labels(data: Path, change) -> None:
    for path in (data / "labels").iterdir():
        write_label_map(path, change(read_label(path)), default_palette(2))


def assert_stopped_in_time(result: tuple[int, str], tmp_path: Path, *words: str) -> None:
    """Exit code 2, all these words in the message, no traceback, and not one iteration or checkpoint."""
    code, text = result
    assert code == 2, text
    assert "Traceback" not in text
    assert "[TRAIN]" not in text
    assert not list(tmp_path.glob("out/iter_*"))
    for word in words:
        assert word in text, f"{word!r} is not in: {text}"


def test_the_data_of_these_tests_train_when_not_spoiled(train):
    code, text = train()
    assert code == 0, text
    assert "[WARNING]" not in text


# Classes and label maps


def test_trap_num_classes_1_for_object_and_background(train, config, tmp_path):
    config.write_text(config.read_text().replace("num_classes: 2", "num_classes: 1"))
    assert_stopped_in_time(train(), tmp_path, "toy.yml:8", "num_classes: 1 class", "num_classes: 2")


def test_trap_num_classes_1_from_python(data):
    with pytest.raises(ConfigError, match=r"num_classes is 1, but background counts as a class.*it is 2"):
        Dataset([], data, 1, train_path="train.txt")


def test_trap_masks_saved_as_0_and_255(train, data, tmp_path):
    change_labels(data, lambda label: np.where(label == 1, 255, 0).astype(np.uint8))
    assert_stopped_in_time(train(), tmp_path, "0, 255", "255 is ignore_index", "save it as 1")


def test_trap_masks_saved_as_0_and_255_from_python(data, tmp_path):
    change_labels(data, lambda label: np.where(label == 1, 255, 0).astype(np.uint8))
    model = segwright.build_model({"type": "ToyNet", "num_classes": 2})
    with pytest.raises(DataError, match="255 is ignore_index, so there is nothing to learn"):
        segwright.train(
            model,
            Dataset([T.Normalize()], data, 2, train_path="train.txt"),
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
            losses={"types": [segwright.losses.CrossEntropyLoss()], "coef": [1, 1]},
            save_dir=tmp_path / "out",
            iters=1,
        )
    assert not (tmp_path / "out").exists()


def test_trap_masks_saved_as_0_and_128(train, data, tmp_path):
    change_labels(data, lambda label: np.where(label == 1, 128, 0).astype(np.uint8))
    assert_stopped_in_time(train(), tmp_path, "holds 128", "shows one class as 128", "save that class as 1")


def test_trap_masks_saved_as_colours(train, data, tmp_path):
    for path in (data / "labels").iterdir():
        colours = np.zeros((*read_label(path).shape, 3), np.uint8)
        colours[read_label(path) == 1] = (0, 0, 128)
        cv2.imwrite(str(path), colours)
    assert_stopped_in_time(train(), tmp_path, "a picture of colours, not of class ids", "(128, 0, 0)")


def test_trap_ids_beyond_num_classes(train, data, tmp_path):
    change_labels(data, lambda label: np.where(label == 1, 2, label).astype(np.uint8))
    assert_stopped_in_time(train(), tmp_path, "labels/", "holds 2, first at row", "0 to 1 (num_classes 2)")


def test_trap_jpeg_masks(train, data, tmp_path):
    for path in (data / "labels").iterdir():
        cv2.imwrite(str(path.with_suffix(".jpg")), read_label(path))
        path.unlink()
    for name in ("train.txt", "val.txt"):
        lines = (data / name).read_text().splitlines()
        (data / name).write_text("".join(f"{line.removesuffix('.png')}.jpg\n" for line in lines))
    assert_stopped_in_time(train(), tmp_path, "labels/00.jpg is compressed with loss (JPEG)", "PNG")


def test_trap_a_jpeg_mask_under_the_name_of_a_png_is_recognised(train, data, tmp_path):
    for path in (data / "labels").iterdir():
        path.write_bytes(cv2.imencode(".jpg", read_label(path))[1].tobytes())
    assert_stopped_in_time(train(), tmp_path, "compressed with loss (JPEG)")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda label: label[:-1], ("48x40", "48x39", "width x height")),
        (lambda label: np.ascontiguousarray(label.T), ("48x40", "40x48", "width and height are swapped")),
    ],
    ids=["off by one", "transposed"],
)
def test_trap_image_and_label_of_different_size(train, data, change, words):
    change_labels(data, change)
    code, text = train()
    assert code == 2
    assert "[TRAIN]" not in text
    assert all(word in text for word in (*words, "images/", "labels/")), text


# List files


def test_trap_list_lines_with_the_wrong_separator(train, tmp_path):
    flags = ("--opts", "train_dataset.separator=,")
    assert_stopped_in_time(train(*flags), tmp_path, "train.txt:1", "separator is ','", "set separator: ' '")


def test_trap_list_lines_with_missing_files(train, data, tmp_path):
    (data / "labels/03.png").unlink()
    (data / "images/05.png").unlink()
    assert_stopped_in_time(
        train(), tmp_path, "1 of 8 pictures", "images/05.png", "1 of 8 label maps", "labels/03.png", "dataset_root"
    )


def test_trap_a_data_set_folder_that_does_not_exist(train, config, data, tmp_path):
    config.write_text(config.read_text().replace(str(data), str(data) + "s"))
    assert_stopped_in_time(train(), tmp_path, "toy.yml:4", "dataset_root", f"{data}s", "is no folder")


# Losses, learning rate


def test_trap_number_of_losses_against_outputs(train, config, tmp_path):
    text = config.read_text()
    config.write_text(text.replace("coef: [1, 1]", "coef: [1, 1, 1]"))
    assert_stopped_in_time(train(), tmp_path, "loss.coef has 3 entries", "ToyNet trains 2 outputs: main, aux")
    two = "types: [{type: CrossEntropyLoss}, {type: DiceLoss}, {type: DiceLoss}]"
    config.write_text(text.replace("types: [{type: CrossEntropyLoss}]", two))
    assert_stopped_in_time(train(), tmp_path, "3 types but 2 coef")


def test_trap_a_schedule_whose_decay_steps_differ_from_iters(train):
    _, text = train("--opts", "lr_scheduler.decay_steps=80000")
    assert "decays over 80000 steps, but training takes 2; leave decay_steps out" in text


def test_trap_a_learning_rate_meant_for_four_devices(train, tmp_path):
    code, text = train("--lr_devices", 4)
    assert code == 0, text
    assert "Learning rate 0.02 was chosen for 4 devices: 0.005 for this one" in text
    assert "batch size 4 (2 iterations an epoch), learning rate 0.005" in text
    log = [json.loads(line) for line in (tmp_path / "out/log.jsonl").read_text().splitlines()]
    assert log[0]["lr"] == pytest.approx(0.005 * 0.5**0.9)
    used = yaml.safe_load((tmp_path / "out/config.yml").read_text())
    assert used["lr_scheduler"]["learning_rate"] == 0.005


def test_trap_batch_and_learning_rate_are_said_at_the_start(train):
    assert "8 pictures, batch size 4 (2 iterations an epoch), learning rate 0.02" in train()[1]


def test_a_learning_rate_below_zero_is_an_error_of_the_user(train, tmp_path):
    assert_stopped_in_time(train("--learning_rate", -1), tmp_path, "optimizer: Invalid learning rate: -1.0")


# Transforms


def test_trap_normalize_not_last(train):
    code, text = train("--opts", "train_dataset.transforms.0.type=Normalize")
    assert code == 0
    assert "Normalize should be the last transform, but RandomDistort follows it" in text


def test_trap_crop_larger_than_the_image_pads_with_ignored_pixels():
    image = np.full((4, 6, 3), 9, np.uint8)
    sample = Sample(image, np.ones((4, 6), np.uint8), ())
    cropped = T.RandomPaddingCrop(crop_size=(8, 10))(sample, np.random.default_rng(0))
    assert cropped.image.shape == (10, 8, 3)
    assert cropped.label is not None
    assert (cropped.label[:4, :6] == 1).all()
    assert (cropped.label == 255).sum() == 80 - 24


def test_trap_pictures_of_several_sizes_without_resize_or_crop(train, data):
    for folder in ("images", "labels"):
        for path in sorted((data / folder).iterdir())[::2]:
            cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:30])
    for path in sorted((data / "labels").iterdir())[::2]:
        write_label_map(path, np.zeros((30, 48), np.uint8), default_palette(2))
    code, text = train()
    assert code == 2
    assert "differ in size after the transforms" in text
    assert "add Resize or RandomPaddingCrop" in text


@pytest.mark.parametrize("transform", ["type: Resize, target_size", "type: RandomPaddingCrop, crop_size"])
def test_trap_width_height_against_height_width_in_transforms(train, config, transform):
    config.write_text(config.read_text().replace("- type: RandomHorizontalFlip", f"- {{{transform}: [24, 40]}}"))
    code, text = train()
    assert code == 0, text
    assert "is [width, height] and asks for 24x40, but pictures of mode train are 48x40" in text
    assert "are the two numbers swapped?" in text


def test_trap_a_label_of_another_size_among_the_pictures_for_evaluation(train, data, tmp_path):
    name = (data / "val.txt").read_text().split()[1]
    write_label_map(data / name, np.zeros((20, 24), np.uint8), default_palette(2))
    assert_stopped_in_time(train(), tmp_path, name, "24x20", "48x40")


# Evaluation


def test_trap_sliding_window_without_crop_size(command, tmp_path):
    code, text = command("val", "--model_path", tmp_path / "none", "--is_slide")
    assert (code, "--is_slide needs --crop_size WIDTH HEIGHT" in text) == (2, True)
    code, text = command("predict", "--model_path", "x", "--image_path", tmp_path / "data/images", "--is_slide")
    assert (code, "--is_slide needs --crop_size WIDTH HEIGHT" in text) == (2, True)


def test_trap_sliding_window_without_crop_size_in_the_configuration(command, config):
    config.write_text(config.read_text() + "test_config: {is_slide: true}\n")
    code, text = command("val", "--model_path", "x")
    assert code == 2
    assert "toy.yml:" in text
    assert "--is_slide needs --crop_size" in text


def test_trap_flags_that_would_do_nothing(command):
    code, text = command("val", "--model_path", "x", "--scales", 0.75, 1.25)
    assert (code, "do nothing without --aug_eval" in text) == (2, True)
    code, text = command("val", "--model_path", "x", "--crop_size", 32, 32)
    assert (code, "do nothing without --is_slide" in text) == (2, True)


def test_trap_evaluating_with_the_wrong_num_classes(data):
    model = segwright.build_model({"type": "ToyNet", "num_classes": 3})
    with pytest.raises(ConfigError, match=r"model predicts 3 classes, but the data set has 2; make num_classes equal"):
        evaluate(model, Dataset([T.Normalize()], data, 2, mode="val", val_path="val.txt"))


def test_trap_evaluating_weights_of_another_num_classes(command, tmp_path):
    save_weights(segwright.build_model({"type": "ToyNet", "num_classes": 5}), tmp_path / "five.safetensors")
    code, text = command("val", "--model_path", tmp_path / "five.safetensors")
    assert code == 2
    assert "num_classes: 5, while the model has 2" in text


# Checkpoints


def test_trap_a_checkpoint_that_matches_only_partly(command, tmp_path):
    from safetensors.numpy import load_file, save_file

    model = segwright.build_model({"type": "ToyNet", "num_classes": 2})
    save_weights(model, tmp_path / "part.safetensors")
    arrays = load_file(tmp_path / "part.safetensors")
    arrays["stranger.weight"] = arrays.pop("aux.bias")
    save_file(arrays, tmp_path / "part.safetensors")
    code, text = command("val", "--model_path", tmp_path / "part.safetensors")
    assert code == 2
    assert f"only partly: {len(arrays) - 1} variables match" in text
    assert "1 missing in the file: aux.bias" in text
    assert "1 unknown to the model: stranger.weight" in text


def test_trap_resuming_with_another_config(train, tmp_path):
    assert train()[0] == 0
    resume = ("--resume_model", tmp_path / "out/iter_2", "--opts", "optimizer.momentum=0.5")
    code, text = train(*resume, "train_dataset.transforms.1.brightness_range=0.4")
    assert code == 2
    assert "config.optimizer.momentum: 0.9 -> 0.5" in text
    assert "brightness_range" in text
    code, text = train("--resume_model", tmp_path / "out/iter_2", "--iters", 3)
    assert code == 2
    assert text.count("2 -> 3") == 1
    assert train("--resume_model", tmp_path / "out/iter_2", "--iters", 3, "--force")[0] == 0


# Export


@pytest.fixture
def weights(tmp_path) -> Path:
    """A file of weights for the configuration's model."""
    torch.manual_seed(0)
    save_weights(segwright.build_model({"type": "ToyNet", "num_classes": 2}), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_trap_deploy_yaml_carries_the_normalisation_of_validation(command, config, weights, tmp_path):
    values = "{type: Normalize, mean: [0.3, 0.4, 0.5], std: [0.2, 0.2, 0.2]}"
    config.write_text(config.read_text().replace("- type: Normalize\nopt", f"- {values}\nopt"))
    code, text = command("export", "--model_path", weights, "--save_dir", tmp_path / "export")
    assert code == 0, text
    deploy = yaml.safe_load((tmp_path / "export/deploy.yaml").read_text())["Deploy"]
    (normalize,) = deploy["transforms"]
    assert (normalize["mean"], normalize["std"]) == ([0.3, 0.4, 0.5], [0.2, 0.2, 0.2])


def test_trap_normalisation_in_deploy_yaml_different_from_training(command, config, weights, tmp_path):
    other = "export:\n  transforms:\n    - {type: Normalize, mean: [0.3, 0.4, 0.5], std: [0.2, 0.2, 0.2]}\n"
    config.write_text(config.read_text() + other)
    code, text = command("export", "--model_path", weights, "--save_dir", tmp_path / "export")
    assert code == 0, text
    assert "normalises as" in text
    assert "predictions of the exported model will differ" in text


def test_trap_normalisation_edited_in_deploy_yaml_fails_the_self_test(command, weights, tmp_path, capsys):
    assert command("export", "--model_path", weights, "--save_dir", tmp_path / "export")[0] == 0
    assert main(["infer", "--config", str(tmp_path / "export"), "--selftest"]) == 0
    path = tmp_path / "export/deploy.yaml"
    deploy = yaml.safe_load(path.read_text())
    deploy["Deploy"]["transforms"][-1] |= {"mean": [0.0], "std": [0.01]}
    path.write_text(yaml.safe_dump(deploy))
    assert main(["infer", "--config", str(path), "--selftest"]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_trap_export_that_differs_from_the_trained_model(command, weights, tmp_path, monkeypatch):
    from segwright.export.formats import WRITERS

    write = WRITERS["onnx"]

    def spoil(deployed, *args):
        with torch.no_grad():
            deployed.model.head.bias[0] += 0.5
        written = write(deployed, *args)
        with torch.no_grad():
            deployed.model.head.bias[0] -= 0.5
        return written

    monkeypatch.setitem(WRITERS, "onnx", spoil)
    code, text = command("export", "--model_path", weights, "--save_dir", tmp_path / "export")
    assert code == 2
    assert "not equal to the model" in text
    assert "logit difference 5.00e-01" in text
    assert not (tmp_path / "export/deploy.yaml").exists()


def test_trap_width_height_against_height_width_in_export(command, config, weights, tmp_path):
    resize = "    - {type: Resize, target_size: [64, 32]}\n"
    last = "    - type: Normalize\nopt"
    config.write_text(config.read_text().replace(last, resize + last))
    flags = ("--model_path", weights, "--save_dir", tmp_path / "export", "--input_shape")
    code, text = command("export", *flags, 1, 3, 64, 32)
    assert code == 2
    assert "height and width seem swapped (target_size is [width, height])" in text
    assert command("export", *flags, 1, 3, 32, 64)[0] == 0


def test_trap_an_array_with_channels_first_is_no_image():
    with pytest.raises(DataError, match="the image has 40 channels, but img_channels is 3"):
        T.Compose([])(np.zeros((3, 48, 40), np.uint8))
