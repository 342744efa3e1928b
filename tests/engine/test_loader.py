"""Sample order, augmentation and reading ahead: functions of seed and iteration, of nothing else."""

import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import segwright.transforms as T
from segwright.datasets import Dataset
from segwright.engine.loader import TrainingSamples, training_batches
from segwright.engine.order import SampleKey, TrainingOrder
from segwright.engine.readers import read_ahead
from segwright.errors import ConfigError, DataError, TrainingError


def augmented(root, *extra) -> Dataset:
    transforms = [T.RandomPaddingCrop((32, 32)), T.RandomHorizontalFlip(), T.RandomDistort(0.4), *extra, T.Normalize()]
    return Dataset(transforms, root, 2, train_path="train.txt")


@given(
    samples=st.integers(1, 40),
    batch=st.integers(1, 10),
    iters=st.integers(1, 60),
    start=st.integers(0, 60),
    seed=st.integers(0, 9),
)
@settings(max_examples=80, deadline=None)
def test_a_run_resumed_anywhere_sees_the_batches_of_the_uninterrupted_one(samples, batch, iters, start, seed):
    if samples < batch:
        return
    straight = list(TrainingOrder(samples, batch_size=batch, iters=iters, seed=seed))
    resumed = list(TrainingOrder(samples, batch_size=batch, iters=iters, start=start, seed=seed))
    assert resumed == straight[start:]
    epoch = [key.position for keys in straight[: samples // batch] for key in keys]
    assert len(set(epoch)) == len(epoch)


def test_epochs_differ_and_so_do_seeds():
    def first_epochs(seed: int) -> list[list[int]]:
        order = list(TrainingOrder(20, batch_size=5, iters=8, seed=seed))
        return [[key.position for keys in order[half : half + 4] for key in keys] for half in (0, 4)]

    one, two = first_epochs(0)
    assert sorted(one) == sorted(two) == list(range(20))
    assert one != two
    assert first_epochs(1)[0] != one


def test_r48_a_batch_larger_than_the_data_is_an_error_that_repeats_mend():
    with pytest.raises(ConfigError, match="a batch of 8 is larger than the training set of 5 pictures"):
        TrainingOrder(5, batch_size=8, iters=1)
    assert TrainingOrder(5, batch_size=8, iters=1, repeats=2).iterations_per_epoch == 1


def test_r52_batches_are_the_same_with_any_number_of_workers(toy_data):
    dataset = augmented(toy_data)

    def read(workers: int) -> list[dict]:
        order = TrainingOrder(len(dataset), batch_size=3, iters=6, seed=5)
        return list(training_batches(dataset, order, num_workers=workers))

    alone, helped = read(0), read(2)
    assert len(alone) == len(helped) == 6
    for one, other in zip(alone, helped, strict=True):
        assert one["file"] == other["file"]
        assert torch.equal(one["image"], other["image"])
        assert torch.equal(one["label"], other["label"])


def test_the_same_picture_is_augmented_differently_in_another_epoch(toy_data):
    dataset = augmented(toy_data)
    order = TrainingOrder(len(dataset), batch_size=len(dataset), iters=2)
    first, second = training_batches(dataset, order, num_workers=0)
    rows = [first["file"].index(file) for file in second["file"]]
    assert not torch.equal(first["image"][rows], second["image"])


def test_an_edge_map_comes_with_the_batch_where_asked_for(toy_data):
    dataset = Dataset([T.Normalize()], toy_data, 2, train_path="train.txt", edge=True)
    batch = next(training_batches(dataset, TrainingOrder(8, batch_size=2, iters=1), num_workers=0))
    assert batch["edge"].shape == (2, 1, 40, 48)
    assert set(batch["edge"].unique().tolist()) == {0, 1}


def test_pictures_of_different_size_in_a_batch_are_named(toy_data):
    dataset = Dataset([T.ResizeStepScaling(0.5, 2.0, 0), T.Normalize()], toy_data, 2, train_path="train.txt")
    with pytest.raises(
        ConfigError, match=r"differ in size after the transforms: .*\.png is \d+x\d+, .*RandomPaddingCrop"
    ):
        list(training_batches(dataset, TrainingOrder(8, batch_size=8, iters=1), num_workers=0))


@pytest.mark.parametrize("workers", [0, 1])
def test_r02_a_damaged_picture_ends_reading_with_its_name(tmp_path, workers):
    from toy_data import write_toy_pictures

    root = write_toy_pictures(tmp_path / "data")
    victim = root / "images" / "03.png"
    victim.write_bytes(victim.read_bytes()[:200])
    dataset = augmented(root)
    with pytest.raises(DataError, match=r"03\.png"):
        list(training_batches(dataset, TrainingOrder(8, batch_size=8, iters=1), num_workers=workers))


def test_reading_ahead_keeps_order_passes_errors_on_and_stops_when_left():
    made = []

    def produce():
        for number in range(100):
            made.append(number)
            yield number
        raise ValueError("the end")

    ahead = read_ahead(produce(), depth=2)
    assert [next(ahead) for _ in range(5)] == list(range(5))
    time.sleep(0.1)
    assert len(made) <= 9
    ahead.close()
    count = len(made)
    time.sleep(0.2)
    assert len(made) == count
    with pytest.raises(ValueError, match="the end"):
        list(read_ahead(produce()))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library's allocator is what is told")
def test_a_reader_gets_the_memory_of_one_picture_for_the_next():
    script = """
import resource
import numpy as np
from segwright.engine.readers import keep_memory

def page_faults(num_pictures):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(num_pictures):
        np.ones((512, 512, 3), np.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_memory()
page_faults(3)
print(page_faults(20))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 768  # those of a single picture


def test_sample_keys_index_the_data_set_modulo_its_length(toy_data):
    samples = TrainingSamples(augmented(toy_data), seed=0)
    once, again = samples[SampleKey(1, 0)], samples[SampleKey(9, 0)]  # 8 pictures
    assert once["file"] == again["file"]
    assert not np.array_equal(once["image"], again["image"])


class Dies:
    """A transform that no reader survives."""

    def __call__(self, sample, rng):  # noqa: ARG002
        os.kill(os.getpid(), signal.SIGKILL)


def test_r26_a_reader_that_is_killed_ends_training_with_the_reason(toy_data):
    dataset = Dataset([Dies()], toy_data, 2, train_path="train.txt")
    order = TrainingOrder(8, batch_size=2, iters=2)
    with pytest.raises(TrainingError, match=r"reads pictures ahead has died .*use fewer num_workers, or 0"):
        list(training_batches(dataset, order, num_workers=1))


@pytest.fixture
def one_reader(toy_data):
    """Batches of a process that has read ahead as far as it does, and its number."""
    order = TrainingOrder(8, batch_size=2, iters=20)
    with closing(training_batches(augmented(toy_data), order, num_workers=1)) as batches:
        next(batches)
        time.sleep(0.3)
        (reader,) = multiprocessing.active_children()
        yield batches, reader.pid


def test_r26_a_reader_that_is_killed_with_a_batch_on_its_way_ends_training_with_the_reason(one_reader):
    batches, reader = one_reader
    os.kill(reader, signal.SIGKILL)
    with pytest.raises(TrainingError, match=r"reads pictures ahead has died .*use fewer num_workers, or 0"):
        list(batches)


def test_r42_readers_leave_it_to_the_trainer_what_becomes_of_signals_to_all(one_reader):
    batches, reader = one_reader
    for number in ("INT", "INT", "TERM"):
        subprocess.run(["kill", "-s", number, str(reader)], check=True)  # by another: what the trainer sends is obeyed
    assert len(list(batches)) == 19


@given(batch=st.integers(1, 3), accumulate=st.integers(1, 3), processes=st.integers(1, 3), start=st.integers(0, 5))
def test_an_iteration_has_the_same_samples_however_they_are_divided(batch, accumulate, processes, start):
    total = batch * accumulate * processes
    together = list(TrainingOrder(40, batch_size=total, iters=6, start=start, seed=1))
    shares = [
        TrainingOrder(
            40, batch_size=batch, iters=6, start=start, seed=1, accumulate=accumulate, rank=rank, processes=processes
        )
        for rank in range(processes)
    ]
    assert all(len(share) == len(list(share)) == len(together) * accumulate for share in shares)
    batches = [list(share) for share in shares]
    for number, samples in enumerate(together):
        parts = [part for share in batches for part in share[number * accumulate : (number + 1) * accumulate]]
        assert all(len(part) == batch for part in parts)
        assert sorted(key for part in parts for key in part) == sorted(samples)


def test_r48_the_size_of_a_batch_that_is_too_large_is_explained():
    with pytest.raises(ConfigError, match=r"a batch of 12 \(2 x 3 accumulated x 2 processes\) is larger than .* 11"):
        TrainingOrder(11, batch_size=2, iters=1, accumulate=3, processes=2)


class Stalls:
    """A transform that hangs, as reading does from a network share that has gone."""

    def __call__(self, sample, rng):  # noqa: ARG002
        time.sleep(30)


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_r26_a_reader_that_hangs_ends_training_with_the_reason(toy_data, workers):
    dataset = Dataset([Stalls()], toy_data, 2, train_path="train.txt")
    order = TrainingOrder(8, batch_size=2, iters=2)
    start = time.monotonic()
    with pytest.raises(TrainingError, match=r"no batch came within 1 s from .* reader processes"):
        list(training_batches(dataset, order, num_workers=workers, timeout=1))
    assert time.monotonic() - start < 20
