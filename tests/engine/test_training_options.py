"""Options of the training loop together, through the real loop: what they promise, and that resuming stays exact."""

import json
import os
import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from training_run import records, run, same_weights

from segwright.engine.checkpoint import checkpoints
from segwright.engine.freeze import freeze
from segwright.engine.speed import Speed
from segwright.errors import CheckpointError

pytestmark = pytest.mark.usefixtures("one_thread")

SPEEDS = [Speed(), Speed(data_format="NCHW"), Speed("bf16", "O2")]


class PlainNet(nn.Module):
    """Two outputs without batch norm and dropout: what it learns from a batch is the mean over its pictures.

    The weights of its depthwise convolution, (8, 1, 1, 1), are of both memory layouts at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 1, groups=8))
        self.head, self.aux = nn.Conv2d(8, 2, 1), nn.Conv2d(8, 2, 1)

    def forward(self, image):
        """(N, 3, H, W) -> two times (N, 2, H, W)."""
        features = self.stem(image)
        return [self.head(features), self.aux(features)]


def plain_net() -> PlainNet:
    torch.manual_seed(11)
    return PlainNet()


class Signals:
    """A transform that sends this process a signal after some samples, as if somebody ended the run then."""

    def __init__(self, samples: int, number: signal.Signals) -> None:
        self.left, self.number = samples, number

    def __call__(self, sample, rng):  # noqa: ARG002
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.number)
        return sample


def learned(folder) -> tuple[dict, dict]:
    """All that a checkpoint holds of what was learned: tensors by name, and the scores reached."""
    training = torch.load(folder / "training.pt", weights_only=True)
    tensors = {f"model.{name}": value for name, value in load_file(folder / "model.safetensors").items()}
    for number, moments in training["optimizer"]["state"].items():
        tensors |= {f"{number}.{name}": value for name, value in moments.items() if torch.is_tensor(value)}
    tensors |= {f"ema.{name}": value for name, value in training.get("ema", {}).get("average", {}).items()}
    state = json.loads((folder / "state.json").read_text())
    return tensors, {key: state[key] for key in ("iteration", "best", "best_ema", "evaluations_without_gain")}


def assert_same_checkpoints(one, other) -> None:
    (left, progress), (right, other_progress) = learned(one), learned(other)
    assert progress == other_progress
    assert left.keys() == right.keys()
    assert [name for name in left if not torch.equal(left[name], right[name])] == []


def distance(one: nn.Module, other: nn.Module) -> float:
    """Largest difference between two models' weights."""
    left, right = one.state_dict(), other.state_dict()
    return max(float((left[name] - right[name]).abs().max()) for name in left)


def test_the_average_is_evaluated_and_kept_beside_the_weights(toy_data, tmp_path):
    run(toy_data, tmp_path, use_ema=True, evaluate=True, iters=20, save_interval=10)
    best = {
        name: json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("best_model", "ema_best_model")
    }
    for name, event in (("best_model", "eval"), ("ema_best_model", "eval_ema")):
        scores = {line["iter"]: line["mIoU"] for line in records(tmp_path, event)}
        assert sorted(scores) == [10, 20]
        assert best[name]["mIoU"] == max(scores.values()) == scores[best[name]["iter"]]
    tensors, _ = learned(tmp_path / f"iter_{best['ema_best_model']['iter']}")
    kept = load_file(tmp_path / "ema_best_model/model.safetensors")
    assert all(torch.equal(value, tensors[f"ema.{name}"]) for name, value in kept.items())
    assert not all(torch.equal(value, tensors[f"model.{name}"]) for name, value in kept.items())


@pytest.mark.parametrize("speed", SPEEDS, ids=["fp32", "NCHW", "bf16-O2"])
def test_r46_a_run_with_an_average_ended_by_a_signal_goes_on_exactly(toy_data, tmp_path, speed):
    options = {"use_ema": True, "evaluate": True, "speed": speed, "save_interval": 2}
    straight, _ = run(toy_data, tmp_path / "straight", **options)
    cut = tmp_path / "cut"
    _, result = run(toy_data, cut, extra=[Signals(3 * 5, signal.SIGTERM)], **options)
    assert result.exit_code == 143
    assert 0 < result.iterations < 8
    assert result.checkpoint == checkpoints(cut)[-1]
    resumed, result = run(toy_data, cut, resume_model="auto", **options)
    assert (result.exit_code, result.iterations) == (0, 8)
    assert same_weights(straight, resumed)
    assert_same_checkpoints(tmp_path / "straight/iter_8", cut / "iter_8")
    for name in ("best_model", "ema_best_model"):
        files = [folder / name / "model.safetensors" for folder in (tmp_path / "straight", cut)]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("speed", SPEEDS, ids=["fp32", "NCHW", "bf16-O2"])
def test_evaluating_more_often_changes_nothing_that_is_learned(toy_data, tmp_path, speed):
    for name, interval in (("often", 1), ("once", 8)):
        options = {"model": plain_net(), "use_ema": True, "evaluate": True, "speed": speed}
        run(toy_data, tmp_path / name, save_interval=interval, num_previews=0, **options)
    often, once = (learned(tmp_path / name / "iter_8")[0] for name in ("often", "once"))
    assert [name for name in often if not torch.equal(often[name], once[name])] == []


def test_half_precision_weights_are_float32_in_checkpoints_and_after_training(toy_data, tmp_path):
    model, _ = run(toy_data, tmp_path, speed=Speed("bf16", "O2"), use_ema=True, evaluate=True)
    weights, _ = learned(tmp_path / "iter_8")
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    weight = weights["model.stem.0.weight"]
    assert not torch.equal(weight, weight.bfloat16().float())
    assert torch.equal(model.stem[0].weight, weight)
    assert model.eval()(torch.zeros(1, 3, 8, 8))[0].dtype == torch.float32


def test_an_average_that_begins_with_a_forced_resume_begins_with_the_weights_resumed_from(toy_data, tmp_path):
    run(toy_data, tmp_path, save_interval=4)
    run(toy_data, tmp_path, save_interval=1, use_ema=True, force=True, resume_model=tmp_path / "iter_4")
    before, after = learned(tmp_path / "iter_4")[0], learned(tmp_path / "iter_5")[0]
    for name, value in after.items():
        if name.startswith("ema."):
            own = name.replace("ema.", "model.")
            torch.testing.assert_close(value, (before[own] + after[own]) / 2)


def test_accumulated_batches_learn_what_one_batch_does(toy_data, tmp_path):
    """Sums of float32 numbers in another order: weights of size 0.1 to 1 differ by less than 1e-6 after 8 steps."""
    one, _ = run(toy_data, tmp_path / "one", model=plain_net(), batch_size=4)
    two, _ = run(toy_data, tmp_path / "two", model=plain_net(), batch_size=2, accumulate=2)
    assert distance(one, two) < 1e-6
    assert distance(one, plain_net()) > 1e-2
    left, right = records(tmp_path / "one"), records(tmp_path / "two")
    assert [(line["iter"], line["epoch"]) for line in right] == [(2, 1), (4, 2), (6, 3), (8, 4)]
    for ours, theirs in zip(left, right, strict=True):
        for key in ("epoch", "loss", "lr", "grad_norm"):
            assert ours[key] == pytest.approx(theirs[key], rel=1e-4)
    assert [line["ips"] * line["batch_cost"] for line in right] == pytest.approx([4] * 4)


def test_r46_the_same_effective_batch_divided_otherwise_goes_on(toy_data, tmp_path):
    straight, _ = run(toy_data, tmp_path / "one", model=plain_net(), batch_size=4)
    options = {"model": plain_net(), "resume_model": tmp_path / "one/iter_4"}
    resumed, _ = run(toy_data, tmp_path / "two", batch_size=2, accumulate=2, **options)
    assert distance(straight, resumed) < 1e-6
    with pytest.raises(CheckpointError, match=r"other settings.*batch_size: 4 -> 8"):
        run(toy_data, tmp_path / "two", batch_size=4, accumulate=2, **options)


def test_both_memory_layouts_learn_the_same(toy_data, tmp_path):
    """Up to the order in which float32 numbers are added. Dropout would draw its mask in another order, too."""
    last, _ = run(toy_data, tmp_path / "NHWC", model=plain_net(), evaluate=True)
    first, _ = run(toy_data, tmp_path / "NCHW", model=plain_net(), evaluate=True, speed=Speed(data_format="NCHW"))
    assert distance(last, first) < 1e-6
    assert last.stem[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert first.stem[0].weight.is_contiguous()


def test_frozen_parts_stay_bit_for_bit_also_in_the_average(toy_data, tmp_path):
    model = plain_net()
    model.stem.append(nn.BatchNorm2d(8))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    freeze(model, ["stem"])
    run(toy_data, tmp_path, model=model, use_ema=True, evaluate=True, speed=Speed("bf16", "O2"))
    tensors, _ = learned(tmp_path / "iter_8")
    for name, value in before.items():
        if name.startswith("stem") and value.is_floating_point():
            assert torch.equal(tensors[f"model.{name}"], value)
            torch.testing.assert_close(tensors[f"ema.{name}"], value)
    assert not torch.equal(tensors["model.head.weight"], before["head.weight"])


@pytest.mark.slow
def test_a_compiled_model_learns_the_same_and_its_checkpoints_have_the_same_names(toy_data, tmp_path):
    pytest.importorskip("torch._inductor")
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("torch.compile needs a C++ compiler")
    options = {"iters": 4, "save_interval": 2, "evaluate": True, "use_ema": True}
    eager, _ = run(toy_data, tmp_path / "eager", model=plain_net(), **options)
    compiled, _ = run(toy_data, tmp_path / "compiled", model=plain_net(), speed=Speed(compile="default"), **options)
    assert distance(eager, compiled) < 1e-5
    for name in ("iter_4", "best_model", "ema_best_model"):
        names = [load_file(tmp_path / kind / name / "model.safetensors").keys() for kind in ("eager", "compiled")]
        assert names[0] == names[1]
    resumed, _ = run(
        toy_data, tmp_path / "eager", model=plain_net(), resume_model=tmp_path / "compiled/iter_2", **options
    )
    assert distance(eager, resumed) < 1e-5
