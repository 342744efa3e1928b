"""Going on with a run: from which checkpoint, with which data, and after what went wrong."""

import threading

import pytest
import torch
from test_runlog import files_no_larger_than
from toy_data import write_toy_pictures
from training_run import records, run, same_weights

from segwright.engine.checkpoint import checkpoints
from segwright.engine.preparation import agree
from segwright.errors import CheckpointError, TrainingError
from segwright.images import read_image, write_image

pytestmark = pytest.mark.usefixtures("one_thread")


def test_auto_starts_where_there_is_nothing(toy_data, tmp_path, caplog):
    caplog.set_level("INFO", logger="segwright")
    plain, _ = run(toy_data, tmp_path / "plain")
    started, result = run(toy_data, tmp_path / "auto", resume_model="auto")
    assert f"There is no checkpoint in {tmp_path / 'auto'} yet: starting at iteration 1" in caplog.text
    assert result.iterations == 8
    assert same_weights(plain, started)


def damage(folder, name: str = "training.pt") -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("name", ["model.safetensors", "training.pt", "state.json"])
def test_r40_r46_auto_passes_over_a_damaged_checkpoint_with_a_warning(toy_data, tmp_path, caplog, name):
    straight, _ = run(toy_data, tmp_path, save_interval=2)
    damage(tmp_path / "iter_8", name)
    resumed, _ = run(toy_data, tmp_path, save_interval=2, resume_model="auto")
    assert f"Passing over {tmp_path / 'iter_8'}: " in caplog.text
    assert [line["iter"] for line in records(tmp_path)] == [2, 4, 6, 8]
    assert same_weights(straight, resumed)


def test_r46_auto_does_not_start_anew_over_checkpoints_that_are_all_damaged(toy_data, tmp_path):
    run(toy_data, tmp_path)
    for folder in checkpoints(tmp_path):
        damage(folder)
    with pytest.raises(CheckpointError, match=r"none of the 2 checkpoints in .* is whole"):
        run(toy_data, tmp_path, resume_model="auto")


def test_data_mended_after_a_loss_that_was_not_finite_are_named(tmp_path):
    root, out = write_toy_pictures(tmp_path / "data"), tmp_path / "out"
    with pytest.raises(TrainingError, match="not finite"):
        run(root, out, iters=50, lr=1e20)
    (folder,) = (out / "nonfinite").glob("iter_*")
    replace_picture(root)
    with pytest.raises(CheckpointError, match=r"train data: the picture changed: images/02\.png"):
        run(root, out, iters=50, lr=1e20, resume_model=folder)


def replace_picture(root) -> None:
    path = root / "images/02.png"
    write_image(path, 255 - read_image(path))


def remove_pair(root) -> None:
    lines = (root / "train.txt").read_text().splitlines(keepends=True)
    (root / "train.txt").write_text("".join(line for line in lines if "02.png" not in line))


def reorder(root) -> None:
    lines = (root / "train.txt").read_text().splitlines(keepends=True)
    (root / "train.txt").write_text("".join(reversed(lines)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (replace_picture, r"train data: the picture changed: images/02\.png"),
        (remove_pair, r"train data: removed: images/02\.png"),
        (reorder, r"train data: the order of pairs differs from place 1 on: images/00\.png -> images/07\.png"),
    ],
)
def test_data_that_changed_since_the_checkpoint_are_named_and_need_force(tmp_path, change, sentence):
    root, out = write_toy_pictures(tmp_path / "data"), tmp_path / "out"
    run(root, out)
    change(root)
    with pytest.raises(CheckpointError, match=rf"{sentence}.*--force"):
        run(root, out, resume_model="auto")
    _, result = run(root, out, resume_model=out / "iter_4", force=True)
    assert result.iterations == 8


class Stumbles:
    """A transform of somebody else's that fails in its own way after some samples."""

    def __init__(self, samples: int) -> None:
        self.left = samples

    def __call__(self, sample, rng):  # noqa: ARG002
        self.left -= 1
        if self.left < 0:
            raise ValueError("odd picture")
        return sample


def test_what_was_learned_is_kept_whatever_fails(toy_data, tmp_path, caplog):
    with pytest.raises(ValueError, match="odd picture"):
        run(toy_data, tmp_path, save_interval=8, extra=[Stumbles(3 * 6)])
    (kept,) = checkpoints(tmp_path)
    assert f"Training up to this point is in {kept}: go on with --resume_model" in caplog.text


def test_r41_a_disk_too_full_for_logs_and_curves_does_not_end_training(toy_data, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # TensorBoard's thread shows its traceback
    with files_no_larger_than(12_000):
        _, result = run(toy_data, tmp_path, iters=60, save_interval=30, log_iters=1)
    assert result.iterations == 60
    assert (tmp_path / "iter_60/model.safetensors").is_file()
    written = [line["iter"] for line in records(tmp_path)]
    assert written == list(range(1, len(written) + 1))
    assert len(written) < 60
    assert caplog.text.count("log.jsonl cannot be written") == 1


class Two:
    """Two processes, of which the other one starts at iteration 4."""

    rank, count = 0, 2

    @staticmethod
    def total(values):
        return values + values.new_tensor([4, 16])


def test_processes_that_found_different_checkpoints_do_not_train():
    agree(Two(), 4, torch.device("cpu"))
    with pytest.raises(CheckpointError, match=r"start behind iteration 0.*a folder that all machines share"):
        agree(Two(), 0, torch.device("cpu"))
