"""What training does when a step fails: it says why, and what was learned until then is kept."""

import json
import os
import re
import shutil
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from training_run import LOSSES, run, same_weights

from segwright.engine import checkpoint
from segwright.engine.checkpoint import checkpoints
from segwright.errors import DataError, TrainingError
from segwright.losses import CrossEntropyLoss

pytestmark = pytest.mark.usefixtures("one_thread")


class Poison(nn.Module):
    """A loss that is no number from some step on."""

    def __init__(self, good_steps: int) -> None:
        super().__init__()
        self.good_steps, self.calls = good_steps, 0

    def forward(self, logits, label):  # noqa: ARG002
        self.calls += 1
        return logits.mean() * (float("nan") if self.calls > self.good_steps else 1.0)


class SteepRoot(nn.Module):
    """Finite, but its gradient at 0 is not."""

    def forward(self, logits, label):  # noqa: ARG002
        return (logits.mean() * 0).abs().sqrt()


def poisoned(loss: nn.Module) -> dict:
    return {"types": [CrossEntropyLoss(), loss], "coef": [1, 1]}


def test_r43_a_loss_that_is_not_finite_names_iteration_and_files(toy_data, tmp_path):
    with pytest.raises(TrainingError, match=r"not finite \(aux: nan\) at iteration 3.*images/\d\d\.png.*learning rate"):
        run(toy_data, tmp_path, losses=poisoned(Poison(2)))


def test_r43_a_gradient_that_is_not_finite_is_found_before_it_reaches_the_weights(toy_data, tmp_path):
    with pytest.raises(TrainingError, match=r"the loss is finite but its gradient is not \(nan\) at iteration 1"):
        run(toy_data, tmp_path, losses=poisoned(SteepRoot()))


def test_r43_the_batch_and_the_state_before_it_are_kept_and_lead_there_again(toy_data, tmp_path):
    with pytest.raises(TrainingError):
        run(toy_data, tmp_path, losses=poisoned(Poison(2)))
    batch = load_file(tmp_path / "nonfinite/batch_3_0.safetensors")
    assert batch["image"].shape == (3, 3, 40, 48)
    assert batch["label"].shape == (3, 40, 48)
    state = load_file(tmp_path / "nonfinite/iter_2/model.safetensors")
    assert all(bool(value.isfinite().all()) for value in state.values())
    with pytest.raises(TrainingError, match=r"not finite .* at iteration 3"):
        run(toy_data, tmp_path, losses=poisoned(Poison(0)), resume_model=tmp_path / "nonfinite/iter_2")
    again = load_file(tmp_path / "nonfinite/batch_3_0.safetensors")
    assert all(torch.equal(batch[name], again[name]) for name in batch)


class Huge(nn.Module):
    """A loss that wants a pebibyte."""

    def forward(self, logits, label):  # noqa: ARG002
        return logits.new_zeros(1 << 48).sum() + logits.mean()


def test_r45_too_little_memory_names_what_helps(toy_data, tmp_path):
    with pytest.raises(
        TrainingError,
        match=r"memory ran out with 3 pictures a step in fp32.*--batch_size 2 --accumulate 2.*smaller crop",
    ):
        run(toy_data, tmp_path, losses=poisoned(Huge()))


class Once:
    """A transform that works for some samples and then fails, in the process that trains."""

    def __init__(self, samples: int, failure) -> None:
        self.left, self.failure = samples, failure

    def __call__(self, sample, rng):  # noqa: ARG002
        self.left -= 1
        if self.left < 0:
            raise self.failure
        return sample


def test_what_was_learned_before_a_failure_is_kept_and_goes_on_exactly(toy_data, tmp_path):
    straight, _ = run(toy_data, tmp_path / "straight")
    with pytest.raises(
        DataError, match=r"gone\. Training up to this point is in .*iter_(\d+): go on with --resume_model"
    ):
        run(toy_data, tmp_path / "broken", extra=[Once(3 * 6, DataError("gone"))])
    (kept,) = [folder for folder in checkpoints(tmp_path / "broken") if folder.name not in ("iter_4", "iter_8")]
    resumed, _ = run(toy_data, tmp_path / "broken", resume_model=kept)
    assert same_weights(straight, resumed)


class Dies:
    """A transform that kills its reader after some samples."""

    def __init__(self, samples: int) -> None:
        self.left = samples

    def __call__(self, sample, rng):  # noqa: ARG002
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return sample


@pytest.mark.slow
def test_r26_a_reader_that_dies_ends_training_with_a_checkpoint(toy_data, tmp_path):
    with pytest.raises(TrainingError, match=r"reads pictures ahead has died.*MB free.*Training up to this point is in"):
        run(toy_data, tmp_path, extra=[Dies(3 * 3)], num_workers=1)
    assert checkpoints(tmp_path)


def spoil(toy_data, tmp_path, *names: str):
    root = tmp_path / "data"
    shutil.copytree(toy_data, root)
    for name in names:
        (root / "images" / name).write_bytes(b"no picture")
    return root


def test_r02_bad_pictures_may_be_left_out_up_to_one(toy_data, tmp_path, caplog):
    first = sorted(path.name for path in (toy_data / "images").iterdir())[1]
    root = spoil(toy_data, tmp_path, first)
    with caplog.at_level("WARNING", logger="segwright"):
        _, result = run(root, tmp_path / "skip", on_bad="skip")
    assert result.iterations == 8
    assert len(re.findall("left out: ", caplog.text)) == 1
    with pytest.raises(DataError, match=first):
        run(root, tmp_path / "fail")


def test_r02_more_than_one_in_a_hundred_bad_pictures_are_too_many(toy_data, tmp_path):
    root = spoil(toy_data, tmp_path, "01.png", "03.png")
    with pytest.raises(DataError, match="2 of 8 pictures cannot be used, more than 1%"):
        run(root, tmp_path / "skip", on_bad="skip")


def test_r41_too_little_room_is_told_before_training(toy_data, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(TrainingError, match="0 MB free, but two checkpoints of this model need"):
        run(toy_data, tmp_path)
    assert not checkpoints(tmp_path)


def test_r41_a_disk_that_fills_up_leaves_the_checkpoint_before(toy_data, tmp_path, monkeypatch):
    save = checkpoint.torch.save

    def full(state, path):
        if "iter_8" in str(path):
            raise OSError(28, "No space left on device")
        save(state, path)

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(TrainingError, match=r"iter_8 could not be written: .*No space left.*whole: .*iter_4"):
        run(toy_data, tmp_path)
    assert [folder.name for folder in checkpoints(tmp_path)] == ["iter_4"]


def test_r14_a_batch_of_ignored_pixels_changes_nothing_but_is_no_failure(toy_data, tmp_path):
    root = spoil(toy_data, tmp_path)
    from segwright.images import default_palette, write_label_map

    for path in (root / "labels").iterdir():
        if path.name not in ("00.png",):
            write_label_map(path, np.full((40, 48), 255, np.uint8), default_palette(2))
    _, result = run(root, tmp_path / "out", batch_size=1, losses=LOSSES)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "out/log.jsonl").read_text().splitlines()]
    assert result.iterations == 8
    assert all(np.isfinite(losses))
