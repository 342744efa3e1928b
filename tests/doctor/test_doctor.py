"""Each fault of a spoiled data set is found, and nothing is found in one without."""

import hashlib
from pathlib import Path

import pytest
from faults import FAULTS

from segwright import build_dataset, load_config
from segwright.doctor import Case, Level, examine, look

pytestmark = pytest.mark.usefixtures("one_thread")

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.spoil.__name__)
every_mendable_fault = pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS if fault.fixed], ids=lambda fault: fault.spoil.__name__
)
NOTES = {"class-balance", "epoch-time", "readers-slow", "memory", "learning-rate"}


def contents(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_there_are_more_faults_than_25():
    assert len(FAULTS) > 25
    assert len({fault.kind for fault in FAULTS}) > 25


@pytest.mark.parametrize("num_classes", [2, 3])
def test_r25_nothing_is_found_in_data_without_a_fault(clean, doctor, num_classes):
    code, found = doctor(clean[num_classes] / "toy.yml", "--strict")
    assert (code, set(found) - NOTES) == (0, set())


@every_fault
def test_r25_each_fault_is_found(fault, copy_of, doctor):
    root = copy_of(fault.num_classes)
    fault.spoil(root)
    code, found = doctor(root / "toy.yml")
    assert fault.kind in found, sorted(found)
    assert fault.words in found[fault.kind]["measured"]
    assert code == any(finding["level"] == "error" for finding in found.values())


@every_mendable_fault
def test_r25_a_corrected_copy_has_the_fault_no_more(fault, copy_of, doctor, tmp_path):
    root = copy_of(fault.num_classes)
    fault.spoil(root)
    before = contents(root)
    doctor(root / "toy.yml", "--fix", tmp_path / "fixed")
    assert contents(root) == before
    code, found = doctor(tmp_path / "fixed/config.yml")
    assert code == 0, found
    assert fault.kind not in found


def test_a_pair_that_nobody_foresaw_is_an_error_too(clean, monkeypatch):
    dataset = build_dataset(load_config(clean[3] / "toy.yml").section("train_dataset"))
    read = type(dataset).load_image

    def break_down(self, index: int):
        if self.pairs[index].image.name == "train_03.png":
            raise RuntimeError("out of luck")
        return read(self, index)

    monkeypatch.setattr(type(dataset), "load_image", break_down)
    case = Case({"train_dataset": dataset}, look({"train_dataset": dataset}))
    assert case.is_whole("train_dataset")
    (found,) = (finding for finding in examine(case) if finding.level == Level.ERROR)
    assert (found.kind, [Path(name).name for name in found.files]) == ("picture-damaged", ["train_03.png"])
    assert "RuntimeError: out of luck" in found.measured
