"""The command: exit codes, files that it writes, real pictures, and the short look before training."""

import json
import re
from pkgutil import iter_modules

import faults
import numpy as np
import pytest

import segwright
from segwright.cli.main import main
from segwright.doctor import checks
from segwright.images import write_image
from segwright.weights import save_weights

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = """
batch_size: 4
iters: 1000
train_dataset:
  type: Dataset
  dataset_root: {root}
  train_path: {train}
  num_classes: {num_classes}
  transforms:
    - {{type: RandomPaddingCrop, crop_size: [256, 256]}}
    - type: Normalize
val_dataset:
  type: Dataset
  dataset_root: {root}
  val_path: {val}
  num_classes: {num_classes}
  transforms:
    - type: Normalize
"""


def test_warnings_end_with_1_only_when_they_shall(copy_of, doctor):
    root = copy_of(3)
    faults.a_black_frame(root)
    assert doctor(root / "toy.yml")[0] == 0
    assert doctor(root / "toy.yml", "--strict")[0] == 1


def test_a_configuration_that_is_not_there_is_an_error_of_the_user(tmp_path, capsys):
    assert main(["doctor", str(tmp_path / "none.yml")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_r11_masks_of_0_and_255_are_named_with_measure_and_remedy(copy_of, capsys):
    root = copy_of(2)
    faults.masks_of_0_and_255(root)
    assert main(["doctor", str(root / "toy.yml"), "--sample", "100", "--num_workers", "0"]) == 1
    output = capsys.readouterr().out
    assert "ERROR The label maps of train_dataset hold no object [label-nothing]" in output
    assert "segwright data remap LABELS OUT --ids 255:1" in output
    assert str(root / "labels/train_00.png") in output


def test_time_and_memory_of_training_are_measured_unless_it_is_a_sample(clean, tmp_path):
    file = tmp_path / "found.json"
    command = ["doctor", str(clean[2] / "toy.yml"), "--num_workers", "0", "--device", "cpu", "--json", str(file)]
    assert main(command) == 0
    assert {"epoch-time", "memory"} <= {finding["kind"] for finding in json.loads(file.read_text())["findings"]}
    assert main([*command, "--sample", "5"]) == 0
    report = json.loads(file.read_text())
    assert (report["pairs"], report["of"]) == (10, 28)
    assert "epoch-time" not in {finding["kind"] for finding in report["findings"]}


def test_two_processes_find_what_one_finds(copy_of, doctor):
    root = copy_of(3)
    faults.moved_label_map(root)
    faults.copied_pair(root)
    assert doctor(root / "toy.yml", "--num_workers", 2) == doctor(root / "toy.yml")


@pytest.mark.parametrize("part", ["train", "val"])
def test_r15_a_class_that_a_part_lacks_is_a_warning(copy_of, doctor, part):
    root = copy_of(3)
    spoil = {"train": faults.class_absent_in_training, "val": faults.class_absent_in_validation}[part]
    spoil(root)
    code, found = doctor(root / "toy.yml")
    assert (code, found[f"class-absent-{part}"]["level"]) == (0, "warning")
    assert "class 2" in found[f"class-absent-{part}"]["title"]


def test_weights_that_match_partly_are_told_in_the_words_of_loading(copy_of, doctor, tmp_path):
    root = copy_of(3)
    save_weights(segwright.build_model({"type": "ToyNet", "num_classes": 5}), tmp_path / "five.safetensors")
    code, found = doctor(root / "toy.yml", "--model_path", tmp_path / "five.safetensors")
    assert code == 1
    assert "num_classes: 5, while the model has 3" in found["weights"]["measured"]


def test_class_weights_can_be_pasted(copy_of, doctor):
    root = copy_of(3)
    _, found = doctor(root / "toy.yml")
    snippet = found["class-balance"]["snippet"]
    assert re.fullmatch(r"weight: \[[\d., ]+\]", snippet)
    faults.change_config(root, "type: CrossEntropyLoss", f"type: CrossEntropyLoss, {snippet}")
    assert doctor(root / "toy.yml")[0] == 0


def test_fix_takes_a_new_folder_and_all_pairs(clean, tmp_path, capsys):
    config = str(clean[3] / "toy.yml")
    command = ["doctor", config, "--num_workers", "0", "--fix"]
    assert main([*command, str(clean[3]), "--sample", "100"]) == 2
    assert "the folder is not empty" in " ".join(capsys.readouterr().err.split())
    assert main([*command, str(tmp_path / "new"), "--sample", "3"]) == 2
    assert "--fix needs all pairs" in " ".join(capsys.readouterr().err.split())


def test_a_copy_of_what_has_no_fault_is_the_same(clean, tmp_path):
    main(
        ["doctor", str(clean[3] / "toy.yml"), "--sample", "100", "--num_workers", "0", "--fix", str(tmp_path / "copy")]
    )
    for folder in ("images", "labels"):
        names = sorted(path.name for path in (clean[3] / folder).iterdir())
        assert sorted(path.name for path in (tmp_path / "copy" / folder).iterdir()) == names
        for name in names:
            assert (tmp_path / "copy" / folder / name).read_bytes() == (clean[3] / folder / name).read_bytes()


def test_the_page_shows_pictures_and_needs_nothing_else(copy_of, tmp_path):
    root = copy_of(3)
    faults.label_map_of_half_the_size(root)
    faults.moved_label_map(root)
    page = tmp_path / "page/doctor.html"
    main(["doctor", str(root / "toy.yml"), "--sample", "100", "--num_workers", "0", "--report", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "1 picture whose label map has another size" in text
    assert text.count("data:image/jpeg;base64,") >= 2
    assert not re.search(r"(?:src|href)=[\"']?https?:", text)


@pytest.mark.parametrize(
    ("folder", "train", "val", "num_classes", "sample"),
    [
        ("road", "train.txt", "val.txt", 2, 100),
        ("optic_disc", "train_list.txt", "val_list.txt", 2, 16),
        ("camvid", "train.txt", "val.txt", 11, 24),
    ],
)
def test_nothing_is_found_in_real_pictures(shared, doctor, tmp_path, folder, train, val, num_classes, sample):
    root = shared / "data" / folder
    if not root.is_dir():
        pytest.skip(f"no {folder} there")
    config = tmp_path / "real.yml"
    config.write_text(CONFIG.format(root=root, train=train, val=val, num_classes=num_classes), encoding="utf-8")
    _, found = doctor(config, "--sample", sample)
    assert {kind for kind, finding in found.items() if finding["level"] != "info"} == set()


def train(root, tmp_path, *flags: object) -> int:
    fixed = ["--save_dir", tmp_path / "out", "--iters", 1, "--num_workers", 0, "--device", "cpu", "--tracker", "none"]
    return main(["train", "--config", str(root / "toy.yml"), *map(str, [*fixed, *flags])])


def test_training_warns_of_what_a_few_pairs_show(copy_of, tmp_path, capsys):
    root = copy_of(3)
    faults.mean_and_deviation_of_0_to_255(root)
    assert train(root, tmp_path) == 0
    output = capsys.readouterr().out
    assert "Normalize does not fit the pictures" in output
    assert "segwright doctor" in output
    assert train(root, tmp_path, "--doctor", "False", "--save_dir", tmp_path / "again") == 0
    assert "Normalize does not fit" not in capsys.readouterr().out


def test_every_file_of_checks_is_found_by_itself():
    files = {f"{checks.__name__}.{module.name}" for module in iter_modules(checks.__path__)}
    assert {check.function.__module__ for check in checks.CHECKS} == files


def test_what_cannot_be_mended_is_left_out_and_named(copy_of, tmp_path, capsys):
    root = copy_of(3)
    faults.truncated_picture(root)
    write_image(root / "labels/train_07.png", np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8))
    main(["doctor", str(root / "toy.yml"), "--sample", "99", "--num_workers", "0", "--fix", str(tmp_path / "fixed")])
    output = capsys.readouterr().out
    assert "2 left out" in output
    assert "train_03.png" in output
    assert "train_07.png" in output
    assert len((tmp_path / "fixed/train.txt").read_text().splitlines()) == 18


def test_no_file_of_a_copy_takes_the_place_of_another(copy_of, tmp_path, capsys):
    """A picture that is saved anew as .png, beside one of that name in the other part."""
    root = copy_of(3)
    (root / "images/val_00.bmp").write_bytes((root / "images/train_03.png").read_bytes())
    for split, old, new in (
        ("train", "images/train_03.png labels/train_03.png", "images/val_00.bmp labels/val_00.png"),
        ("val", "images/val_00.png labels/val_00.png", "images/val_00.png labels/val_00.png"),
    ):
        text = (root / f"{split}.txt").read_text()
        assert old in text
        (root / f"{split}.txt").write_text(text.replace(old, new))
    command = ["doctor", str(root / "toy.yml"), "--sample", "99", "--num_workers", "0"]
    assert main([*command, "--fix", str(tmp_path / "fixed")]) == 2
    assert "would both become" in " ".join(capsys.readouterr().err.split())
