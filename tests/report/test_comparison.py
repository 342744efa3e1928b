"""Two runs compared: what is found, how it is named, and what is concluded."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from segwright.datasets.digest import Content, DataDigest, write_listing
from segwright.errors import DataError
from segwright.report.comparison import compare_runs
from segwright.report.differences import differences
from segwright.report.run_folder import read_run

DATA = DataDigest((Content("a.png", "1", "a_label.png", "2"), Content("b.png", "3", "b_label.png", "4")))
GIVEN = {"optimizer": {"type": "SGD"}, "train_dataset": {"type": "Dataset", "dataset_root": "data"}}
FULL = {"optimizer": {"type": "SGD", "momentum": 0.9}, "train_dataset": {"type": "Dataset", "dataset_root": "data"}}


def ledger(**changes) -> dict:
    """A run's ledger, as training writes it."""
    return {
        "settings": {"seed": 0, "iters": 40, "config": GIVEN},
        "config": {"iters": 40, **FULL},
        "data": {"train": {"digest": DATA.value, "pairs": 2}},
        "code": {"version": "0.1.0", "source": "abc", "commit": "123", "dirty": False},
        "packages": {"torch": "2.13.0"},
        "devices": {"type": "cpu", "threads": 2},
        "host": {"name": "here", "os": "Linux", "cpu": "fast", "cores": 2},
        "environment": {},
        **changes,
    }


def write_run(folder: Path, *, losses=(4.0, 3.0, 2.0, 1.0), ious=((0.2, 0.4), (0.5, 0.9)), facts=None) -> Path:
    """A ``save_dir``: four losses logged every 10 iterations, and an evaluation every 20."""
    folder.mkdir()
    rows = [{"event": "train", "iter": 10 * n, "loss": loss} for n, loss in enumerate(losses, start=1)]
    for n, iou in enumerate(ious, start=1):
        rows.append({"event": "eval", "iter": 20 * n, "mIoU": sum(iou) / 2, "Acc": 0.9, "class_iou": list(iou)})
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    facts = facts or ledger()
    (folder / "run.json").write_text(json.dumps(facts))
    write_listing(folder, DATA)
    for iteration in (20, 40):
        (folder / f"iter_{iteration}").mkdir()
        state = {"iteration": iteration, "settings": facts["settings"], "ledger": facts}
        (folder / f"iter_{iteration}/state.json").write_text(json.dumps(state))
    (folder / "best_model").mkdir()
    (folder / "best_model/metrics.json").write_text(json.dumps({"iter": 20, **rows[-2]}))
    return folder


@pytest.fixture
def base(tmp_path) -> Path:
    return write_run(tmp_path / "base")


def compare(a: Path, b: Path):
    return compare_runs(read_run(a), read_run(b))


def test_equal_runs_are_said_to_be_equal(base, tmp_path):
    found = compare(base, write_run(tmp_path / "again"))
    start = "Same settings, code, packages and data"
    assert found.explanation == f"{start}, and all 4 losses that both logged are the same."
    assert found.curves.first is None


def test_settings_seed_code_packages_and_data_are_each_found(base, tmp_path):
    other = DataDigest((DATA.contents[0], Content("b.png", "5", "b_label.png", "4")))
    facts = ledger(
        settings={"seed": 1, "iters": 40, "config": GIVEN | {"optimizer": {"type": "SGD", "momentum": 0.95}}},
        config={"iters": 40, **FULL, "optimizer": {"type": "SGD", "momentum": 0.95}},
        code={"version": "0.1.0", "source": "abd", "commit": "123", "dirty": True},
        packages={"torch": "2.13.1"},
        data={"train": {"digest": other.value, "pairs": 2}},
    )
    changed = write_run(tmp_path / "changed", facts=facts, losses=(4.0, 3.5, 2.5, 1.5))
    write_listing(changed, other)
    found = compare(base, changed)
    assert found.explanation == (
        "The runs differ in 2 settings (seed, optimizer.momentum), segwright's code, 1 package version (torch) "
        "and the data."
    )
    momentum = found.settings[1]
    assert (momentum.a, momentum.b, momentum.default) == (0.9, 0.95, "A")
    assert found.data == ["train: the picture changed: b.png"]
    assert [row.key for row in found.code] == ["source", "dirty"]


def test_where_only_the_machine_differs_it_is_named_as_the_cause(base, tmp_path):
    facts = ledger(devices={"type": "cpu", "threads": 8}, host={**ledger()["host"], "name": "there", "cpu": "other"})
    found = compare(base, write_run(tmp_path / "there", facts=facts, losses=(4.0, 3.0, 2.1, 1.1)))
    assert found.explanation.startswith(
        "Same settings, code, packages and data: the differences come from the machine (devices.threads and host.cpu)"
    )
    assert found.curves.last_equal == 20
    assert (found.curves.first.iteration, found.curves.first.a, found.curves.first.b) == (30, 2.0, 2.1)
    assert found.curves.last.iteration == 40


def test_differences_without_a_recorded_cause_are_not_blamed_on_anything(base, tmp_path):
    found = compare(base, write_run(tmp_path / "odd", losses=(4.0, 3.0, 2.1, 1.1)))
    assert "what remains is what nobody records" in found.explanation


def test_the_same_data_elsewhere_and_the_same_source_of_another_commit_are_no_differences(base, tmp_path):
    there = GIVEN | {"train_dataset": {"type": "Dataset", "dataset_root": "/there"}}
    facts = ledger(
        settings={"seed": 0, "iters": 40, "config": there},
        config={"iters": 40, **FULL, **there, "optimizer": FULL["optimizer"]},
        code={"version": "0.1.0", "source": "abc", "commit": "456", "dirty": True},
    )
    found = compare(base, write_run(tmp_path / "moved", facts=facts))
    assert found.explanation.startswith("Same settings, code, packages and data")


def test_classes_come_with_the_largest_difference_first(base, tmp_path):
    found = compare(base, write_run(tmp_path / "other", ious=((0.9, 0.9), (0.4, 0.2))))
    assert [(row.name, row.a, row.b) for row in found.classes] == [("1", 0.9, 0.2), ("0", 0.5, 0.4)]
    assert found.classes[0].gain == pytest.approx(-0.7)
    best, final = found.scores[:2]
    assert (best.name, best.a, best.b) == ("best mIoU", 0.7, 0.9)
    assert (final.name, final.a, final.b) == ("mIoU", 0.7, pytest.approx(0.3))


def test_a_checkpoint_and_the_best_model_end_where_they_were_written(base):
    assert read_run(base / "iter_20").iteration == 20
    assert read_run(base / "iter_20").scores["class_iou"] == [0.2, 0.4]
    best = read_run(base / "best_model")
    assert (best.iteration, best.save_dir) == (20, base)
    assert best.ledger == ledger()
    assert compare(base / "iter_20", base).curves.num_common == 2


def test_a_checkpoint_alone_still_knows_its_run(base, tmp_path):
    alone = shutil.copytree(base / "iter_20", tmp_path / "alone/iter_20")
    found = compare(base, alone)
    assert found.explanation == "Same settings, code, packages and data."
    assert found.curves.num_common == 0


def test_an_older_run_without_ledger_is_compared_by_what_it_left(base, tmp_path):
    old = write_run(tmp_path / "old")
    (old / "run.json").unlink()
    for state in old.glob("iter_*/state.json"):
        state.write_text(json.dumps({"iteration": 40, "settings": {"seed": 5, "iters": 40, "config": GIVEN}}))
    (old / "config.yml").write_text(yaml.safe_dump(FULL))
    found = compare(old, base)
    assert found.explanation == (
        "The runs differ in 1 setting (seed), yet all 4 losses that both logged are the same. "
        "Not recorded by both: code, packages, data, devices."
    )


def test_a_damaged_checkpoint_does_not_hide_the_run(base):
    (base / "run.json").unlink()
    (base / "iter_40/state.json").write_text("{")
    assert read_run(base).ledger == ledger()
    with pytest.raises(DataError, match=r"iter_40/state.json is damaged"):
        read_run(base / "iter_40")


def test_what_is_no_run_is_told_with_what_to_name(base, tmp_path):
    with pytest.raises(DataError, match=r"no folder .*bose \(did you mean base\?\); name the --save_dir"):
        read_run(tmp_path / "bose")
    with pytest.raises(DataError, match="is a file, not the folder of a run"):
        read_run(base / "log.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"holds nothing of a run: neither run\.json nor log\.jsonl"):
        read_run(tmp_path / "empty")


FLIP, DISTORT, CROP = {"type": "Flip", "prob": 0.5}, {"type": "Distort"}, {"type": "Crop", "size": [4, 4]}


def keys(a: list, b: list) -> list[tuple]:
    return [(row.key, row.only) for row in differences({"data": {"t": a}}, {"data": {"t": b}})]


def test_components_are_aligned_by_their_types():
    assert keys([FLIP, DISTORT], [FLIP, CROP, DISTORT]) == [("t[1]", "B")]
    assert keys([CROP, FLIP], [{**CROP, "size": [8, 8]}, FLIP]) == [("t.Crop.size", "")]
    assert keys([CROP, CROP], [CROP, {**CROP, "size": [8, 8]}]) == [("t[1].size", "")]
    assert keys([FLIP, DISTORT], [CROP, DISTORT]) == [("t[0]", "")]
    assert keys([CROP] * 3, [FLIP] * 3) == [("t[0-2]", "")]


def test_another_component_is_shown_without_its_defaults():
    a = {"model": {"type": "Small", "depth": 3, "width": 8}}
    (row,) = differences(a, {"model": {"type": "Large", "depth": 9}}, {"model": {"type": "Small", "width": 8}})
    assert row.a == {"type": "Small", "width": 8}


leaves = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["x", "y"])
components = st.fixed_dictionaries({"type": st.sampled_from("ABC"), "k": leaves})
trees = st.dictionaries(st.sampled_from("abc"), leaves | components | st.lists(components, max_size=4), max_size=3)


@given(trees, trees)
def test_there_are_differences_exactly_where_values_differ(a, b):
    assert bool(differences(a, b)) == (a != b)
    assert {row.group or row.key for row in differences(a, b)} == {row.group or row.key for row in differences(b, a)}
