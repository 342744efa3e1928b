"""The training loop: what it writes, and that it can be stopped, resumed, killed and misused."""

import json
import re
import shutil

import pytest
import torch
from training_run import LOSSES, run, same_weights

import segwright
import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.engine.checkpoint import checkpoints
from segwright.engine.speed import Speed
from segwright.engine.training import train
from segwright.errors import CheckpointError, ConfigError, TrainingError
from segwright.losses import CrossEntropyLoss

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_loss_falls_and_the_best_model_is_kept(toy_data, tmp_path):
    _, result = run(toy_data, tmp_path, evaluate=True, iters=60, save_interval=20)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["event"] == "train"]
    scores = {line["iter"]: line["mIoU"] for line in lines if line["event"] == "eval"}
    assert losses[-1] < 0.5 * losses[0]
    assert result.best_miou == max(scores.values()) > 0.7
    assert scores[result.best_iteration] == result.best_miou
    best = json.loads((tmp_path / "best_model/metrics.json").read_text())
    assert best["iter"] == result.best_iteration
    assert best["mIoU"] == result.best_miou


@pytest.mark.parametrize("start", [4, 8])
def test_r46_a_run_stopped_and_resumed_equals_one_that_was_not(toy_data, tmp_path, start):
    straight, _ = run(toy_data, tmp_path / "straight")
    resumed, result = run(toy_data, tmp_path / "again", resume_model=tmp_path / f"straight/iter_{start}")
    assert result.iterations == 8
    assert same_weights(straight, resumed)


def test_r46_resuming_with_other_readers_and_save_intervals_changes_nothing(toy_data, tmp_path):
    straight, _ = run(toy_data, tmp_path / "straight")
    resumed, _ = run(
        toy_data,
        tmp_path / "again",
        resume_model=tmp_path / "straight/iter_4",
        num_workers=1,
        save_interval=3,
        evaluate=True,
    )
    assert same_weights(straight, resumed)


def test_r51_the_same_seed_gives_the_same_weights_and_another_does_not(toy_data, tmp_path):
    one, _ = run(toy_data, tmp_path / "one", iters=3)
    two, _ = run(toy_data, tmp_path / "two", iters=3)
    three, _ = run(toy_data, tmp_path / "three", iters=3, seed=4)
    assert same_weights(one, two)
    assert not same_weights(one, three)


def test_r46_other_settings_are_listed_and_need_force(toy_data, tmp_path):
    run(toy_data, tmp_path)
    with pytest.raises(CheckpointError, match=r"other settings.*iters: 8 -> 12; batch_size: 3 -> 4.*--force"):
        run(toy_data, tmp_path, resume_model=tmp_path / "iter_4", iters=12, batch_size=4)
    _, result = run(toy_data, tmp_path, resume_model=tmp_path / "iter_4", iters=12, force=True)
    assert result.iterations == 12


@pytest.mark.parametrize("name", ["model.safetensors", "training.pt", "state.json"])
def test_r46_a_damaged_checkpoint_is_named_with_the_ones_that_are_whole(toy_data, tmp_path, name):
    run(toy_data, tmp_path)
    victim = tmp_path / "iter_8" / name
    victim.write_bytes(victim.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=rf"{re.escape(name)} is damaged.*iter_4"):
        run(toy_data, tmp_path, resume_model=tmp_path / "iter_8")


def test_r46_something_that_is_no_checkpoint_is_named(toy_data, tmp_path):
    with pytest.raises(CheckpointError, match=r"iter_4 is no checkpoint"):
        run(toy_data, tmp_path, resume_model=tmp_path / "iter_4")


def test_r47_resuming_does_not_overwrite_a_better_best_model(toy_data, tmp_path):
    run(toy_data, tmp_path, evaluate=True)
    state = tmp_path / "iter_4/state.json"
    changed = json.loads(state.read_text())
    changed["best"]["miou"] = 0.999
    state.write_text(json.dumps(changed))
    before = (tmp_path / "best_model/model.safetensors").read_bytes()
    _, result = run(toy_data, tmp_path, evaluate=True, resume_model=tmp_path / "iter_4")
    assert result.best_miou == 0.999
    assert (tmp_path / "best_model/model.safetensors").read_bytes() == before


def test_r49_the_last_iteration_is_always_saved(toy_data, tmp_path):
    _, result = run(toy_data, tmp_path, iters=3, save_interval=100, log_iters=100)
    assert result.checkpoint == tmp_path / "iter_3"
    assert [path.name for path in checkpoints(tmp_path)] == ["iter_3"]


@pytest.mark.parametrize(
    "name", ["iters", "batch_size", "save_interval", "log_iters", "keep_checkpoint_max", "repeats"]
)
def test_r49_counts_below_one_are_errors(toy_data, tmp_path, name):
    with pytest.raises(ConfigError, match="must be at least 1, got 0"):
        run(toy_data, tmp_path, **{name: 0} if name != "iters" else {"iters": 0})


def test_r48_a_batch_larger_than_the_data_is_an_error_before_training(toy_data, tmp_path):
    with pytest.raises(ConfigError, match="a batch of 9 is larger than the training set of 8"):
        run(toy_data, tmp_path, batch_size=9)


def test_r34_fewer_losses_than_outputs_is_an_error_before_training(toy_data, tmp_path):
    with pytest.raises(ConfigError, match=r"1 of them, but ToyNet trains 2 outputs: main, aux"):
        run(toy_data, tmp_path, losses={"types": [CrossEntropyLoss()], "coef": [1.0]})


def test_r54_two_runs_in_one_folder_are_refused(toy_data, tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / ".lock"), pytest.raises(TrainingError, match="another run is writing to"):
        run(toy_data, tmp_path)


def test_r20_a_file_in_place_of_the_save_folder_is_refused_and_unharmed(toy_data, tmp_path):
    path = tmp_path / "output"
    path.write_text("precious")
    with pytest.raises(TrainingError, match="output is a file; name a folder"):
        run(toy_data, path)
    assert path.read_text() == "precious"


def test_r20_a_save_folder_that_cannot_be_written_is_refused_before_training(toy_data):
    with pytest.raises(TrainingError, match="cannot write to --save_dir /proc/segwright"):
        run(toy_data, "/proc/segwright")


def test_only_the_newest_checkpoints_are_kept(toy_data, tmp_path):
    run(toy_data, tmp_path, save_interval=1, keep_checkpoint_max=3)
    assert [path.name for path in checkpoints(tmp_path)] == ["iter_6", "iter_7", "iter_8"]


def test_training_stops_early_when_nothing_improves(toy_data, tmp_path):
    model = segwright.build_model({"type": "ToyNet", "num_classes": 2})
    model.stem[1].momentum = 0.0  # with a learning rate of 0 nothing changes any more
    _, result = run(
        toy_data, tmp_path, model=model, lr=0.0, evaluate=True, iters=40, save_interval=2, early_stop_intervals=2
    )
    assert (result.best_iteration, result.iterations) == (2, 6)


def test_the_log_line_is_the_one_people_grep_for(toy_data, tmp_path, caplog):
    with caplog.at_level("INFO", logger="segwright"):
        run(toy_data, tmp_path, iters=4)
    pattern = (
        r"\[TRAIN\] epoch: 2, iter: 4/4, loss: \d+\.\d{4}, lr: 0\.\d{6}, batch_cost: \d+\.\d{4}, "
        r"reader_cost: \d+\.\d{5}, ips: \d+\.\d{4} samples/sec \| ETA 00:00:00 \| losses: \d+\.\d{4} \d+\.\d{4}"
    )
    assert any(re.fullmatch(pattern, record.message) for record in caplog.records)


def test_tensorboard_has_every_curve_once_also_after_a_resume(toy_data, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(toy_data, tmp_path, evaluate=True)
    shutil.rmtree(tmp_path / "iter_8")
    run(toy_data, tmp_path, evaluate=True, resume_model=tmp_path / "iter_4")
    events = EventAccumulator(str(tmp_path)).Reload()
    wanted = {
        "Train/loss",
        "Train/loss_main",
        "Train/lr",
        "Train/batch_cost",
        "Train/reader_cost",
        "Evaluate/mIoU",
        "Evaluate/Acc",
    }
    assert wanted <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("Train/loss")] == [2, 4, 6, 8]
    records = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["iter"] for line in records if line["event"] == "train"] == [2, 4, 6, 8]


def test_visualdl_gets_the_same_curves(toy_data, tmp_path):
    pytest.importorskip("visualdl", reason="the extra vdl is not installed")
    from visualdl import LogReader

    run(toy_data, tmp_path, evaluate=True, use_vdl=True)
    (file,) = tmp_path.glob("vdlrecords.*")
    reader = LogReader(file_path=str(file))
    assert [point.id for point in reader.get_data("scalar", "Train/loss")] == [2, 4, 6, 8]
    assert len(reader.get_data("scalar", "Evaluate/mIoU")) == 2


def test_half_precision_trains_and_gives_the_model_back_unwrapped(toy_data, tmp_path):
    model, _ = run(toy_data, tmp_path, iters=4, speed=Speed("bf16"))
    model.eval()
    assert model(torch.zeros(1, 3, 8, 8))[0].dtype == torch.float32
    with pytest.raises(ConfigError, match="fp16 does not train on a CPU"):
        run(toy_data, tmp_path / "other", speed=Speed("fp16"))


def test_a_data_set_in_the_wrong_mode_is_an_error(toy_data, tmp_path):
    model = segwright.build_model({"type": "ToyNet", "num_classes": 2})
    wrong = Dataset([T.Normalize()], toy_data, 2, mode="val", val_path="val.txt")
    with pytest.raises(ConfigError, match="in mode 'val'; build it with mode 'train'"):
        train(model, wrong, optimizer=torch.optim.SGD(model.parameters()), losses=LOSSES, save_dir=tmp_path)


def test_a_new_run_leaves_the_checkpoints_of_an_older_one_in_the_same_folder(toy_data, tmp_path, caplog):
    run(toy_data, tmp_path, iters=40, save_interval=20)
    run(toy_data, tmp_path, iters=6, save_interval=2, keep_checkpoint_max=2)
    assert [path.name for path in checkpoints(tmp_path)] == ["iter_4", "iter_6", "iter_20", "iter_40"]
    assert "holds an older run" in caplog.text
