"""Where the time of a sample goes: what is measured is what training does, and it adds up."""

import time

import pytest

import segwright.transforms as T
from segwright.datasets import Dataset, Packed
from segwright.datasets.packed_write import pack
from segwright.engine.data_time import COLLATE, IMAGE, LABEL, OTHER, READ, Stopwatch, batches_per_second, measure
from segwright.errors import ConfigError, DataError


class Slow:
    """A transform of known length that remembers which pictures it saw."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def __call__(self, sample, rng):  # noqa: ARG002
        self.seen.append(float(sample.image.mean()))
        time.sleep(0.02)
        return sample


def test_stages_add_up_and_are_in_order(toy_data):
    slow = Slow()
    transforms = [T.ResizeStepScaling(), T.RandomPaddingCrop((32, 32)), slow, T.Normalize()]
    found = measure(Dataset(transforms, toy_data, 2, train_path="train.txt"), samples=6, batch_size=3)
    scaled = "ResizeStepScaling + RandomPaddingCrop"
    assert list(found.stages) == [READ, IMAGE, LABEL, scaled, "Slow", "Normalize", OTHER, COLLATE]
    assert found.num_samples == 6
    assert found.median("Slow") >= 20
    assert sum(found.share(stage) for stage in found.stages) == pytest.approx(1)
    assert found.sample_ms >= found.share("Slow") * 20
    assert len(set(slow.seen[1:])) == 6  # the first is not measured
    assert found.decoded_bytes == 8 * 48 * 40 * 4


def test_the_data_set_itself_stays_as_it_was(toy_data):
    dataset = Dataset([T.Normalize()], toy_data, 2, train_path="train.txt")
    before = dict(vars(dataset))
    measure(dataset, samples=2, batch_size=2)
    assert vars(dataset) == before
    assert isinstance(dataset.transforms.transforms[0], T.Normalize)


def test_samples_that_fill_no_batch_are_left_out(toy_data):
    dataset = Dataset([], toy_data, 2, train_path="train.txt")
    assert measure(dataset, samples=7, batch_size=3).num_samples == 6
    assert measure(dataset, samples=2, batch_size=3).num_samples == 2
    assert measure(dataset, samples=99, batch_size=8).num_samples == 8


def test_packed_files_are_read_from_their_shards(toy_data, tmp_path):
    index = pack(Dataset([], toy_data, 2, train_path="train.txt"), tmp_path, shard_size=1 << 20)
    found = measure(Packed([], index, 2), samples=4, batch_size=4)
    assert list(found.stages) == [READ, IMAGE, LABEL, OTHER, COLLATE]


def test_what_stops_training_stops_this(toy_data, tmp_path):
    sizes = Dataset([T.ResizeStepScaling(0.5, 2.0, 0.25)], toy_data, 2, train_path="train.txt")
    with pytest.raises(ConfigError, match="differ in size after the transforms"):
        measure(sizes, samples=8, batch_size=8)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    (tmp_path / "train.txt").write_text("bad.png bad.png\n")
    with pytest.raises(DataError, match=r"bad\.png"):
        measure(Dataset([], tmp_path, 2, train_path="train.txt"), samples=1, batch_size=1)


def test_a_stopwatch_counts_every_moment_once():
    watch = Stopwatch()

    def inner():
        time.sleep(0.02)

    timed_inner = watch.timed("inner", inner)

    def outer():
        time.sleep(0.01)
        timed_inner()
        timed_inner()

    start = time.perf_counter()
    watch.timed("outer", outer)()
    wall = (time.perf_counter() - start) * 1000
    lap = watch.lap()
    assert lap["outer"] >= 10
    assert lap["inner"] >= 40
    assert lap["outer"] + lap["inner"] <= wall
    assert watch.lap() == {}


def test_batches_are_counted_when_readers_are_at_work(toy_data):
    slow = Dataset([Slow()], toy_data, 2, train_path="train.txt")
    assert 0 < batches_per_second(slow, 0, samples=12, batch_size=4) < 14  # 80 ms each
