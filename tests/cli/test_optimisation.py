"""Schedules, clipping and older spellings from a configuration, through the command, to a log."""

import json

import pytest

from segwright.cli.main import main

OPTIMIZER = "optimizer: {type: SGD, momentum: 0.9, weight_decay: 4.0e-5}"
SCHEDULE = "lr_scheduler: {type: PolynomialDecay, learning_rate: 0.02, end_lr: 0, power: 0.9}"


@pytest.fixture
def train(toy_config, tmp_path):
    """Train for some iterations with other blocks; returns the log's training lines."""

    def run(*flags, optimizer=OPTIMIZER, schedule=SCHEDULE, save_dir="out"):
        config = toy_config(model="ToyNet", coef="[1, 0.4]")
        text = config.read_text()
        assert OPTIMIZER in text
        assert SCHEDULE in text
        config.write_text(text.replace(OPTIMIZER, optimizer).replace(SCHEDULE, schedule))
        where = ["--save_dir", str(tmp_path / save_dir), "--device", "cpu", "--num_workers", "0", "--log_iters", "1"]
        assert main(["train", "--config", str(config), *where, *map(str, flags)]) == 0
        lines = [json.loads(line) for line in (tmp_path / save_dir / "log.jsonl").read_text().splitlines()]
        return [line for line in lines if line["event"] == "train"]

    return run


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("lr_scheduler: {type: PiecewiseDecay, boundaries: [2], values: [0.1, 0.01]}", [0.1, 0.1, 0.01]),
        (
            "lr_scheduler: {type: CyclicLR, base_learning_rate: 0, max_learning_rate: 1, step_size_up: 4}",
            [0, 0.25, 0.5],
        ),
        ("learning_rate: {value: [0.1, 0.01], decay: {type: piecewise, boundaries: [1]}}", [0.1, 0.01, 0.01]),
        ("learning_rate: 0.05", [0.05] * 3),
    ],
)
def test_any_schedule_sets_the_rate_of_the_first_iteration_too(train, schedule, rates):
    assert [line["lr"] for line in train("--iters", 3, schedule=schedule)] == pytest.approx(rates)


def test_a_schedule_that_watches_the_loss_is_resumed_exactly(train, tmp_path):
    schedule = "lr_scheduler: {type: ReduceOnPlateau, learning_rate: 0.1, patience: 0, factor: 0.5, threshold: 0.9}"
    straight = train("--iters", 8, "--save_interval", 4, schedule=schedule)
    assert len({line["lr"] for line in straight}) > 1
    resumed = train("--iters", 8, "--resume_model", tmp_path / "out/iter_4", schedule=schedule, save_dir="again")
    assert [(line["lr"], line["loss"]) for line in resumed] == [(line["lr"], line["loss"]) for line in straight[4:]]


def test_clipping_reaches_the_training_loop(train):
    clip = "grad_clip_cfg: {name: ClipGradByGlobalNorm, clip_norm: 1.0e-9}"
    still = train("--iters", 4, optimizer=f"optimizer: {{type: SGD, {clip}}}", schedule="learning_rate: 0.5")
    moving = train("--iters", 4, optimizer="optimizer: {type: SGD}", schedule="learning_rate: 0.5", save_dir="free")
    assert moving[0]["loss"] == still[0]["loss"]
    assert moving[1]["loss"] != pytest.approx(still[1]["loss"], rel=1e-4)
