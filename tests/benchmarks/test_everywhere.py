"""Agreement of all targets: what counts, what is told where one cannot run, the exit code. No test looks at times."""

import shutil
import sys

import numpy as np
import pytest
from small_net import TRANSFORMS, export_small, picture, small_net, torch_labels

from benchmarks import everywhere
from benchmarks.everywhere import open_all, run_all
from benchmarks.targets import cpp, web
from benchmarks.targets.command import Command
from benchmarks.targets.reference import Agreement, Reference
from benchmarks.targets.rows import TARGETS, Row, text
from benchmarks.targets.target import FailedError, Run, UnavailableError
from segwright.bundle import Preprocessing
from segwright.errors import ExportError, MissingExtraError
from segwright.images import read_image, write_image
from segwright.types import Size

LABEL = np.arange(12, dtype=np.uint8).reshape(3, 4)
TIE = LABEL < 2


@pytest.fixture
def reference():
    return Reference([LABEL], [TIE], near=2e-3, num_classes=12, size=Size(3, 4))


def test_a_near_tie_may_have_either_label_but_is_not_equal(reference):
    found = LABEL.copy()
    found[0, :3] = 9  # two near-ties and a pixel that is none
    assert reference.compare([LABEL]) == Agreement(pixels=12, equal=12, ties=2, different=0)
    agreement = reference.compare([found])
    assert agreement == Agreement(pixels=12, equal=9, ties=2, different=1)
    assert agreement.away == pytest.approx(0.9)


def test_label_maps_of_other_pictures_are_not_compared(reference):
    for labels in ([], [LABEL.T], [LABEL, LABEL]):
        with pytest.raises(ValueError, match="not of the same pictures"):
            reference.compare(labels)


def test_the_reference_is_the_model_itself_at_the_pictures_size(tmp_path):
    images = [picture(45, 60), picture(97, 31)]
    for number, image in enumerate(images):
        write_image(tmp_path / f"{number}.png", image)
    reference = Reference.of(small_net(), Preprocessing(TRANSFORMS), sorted(tmp_path.iterdir()))
    for label, tie, image in zip(reference.labels, reference.ties, images, strict=True):
        np.testing.assert_array_equal(label, torch_labels(image))
        assert tie.shape == label.shape
        assert tie.mean() < 0.1
    assert (reference.near, reference.num_classes, reference.size) == (2e-3, 4, Size(56, 72))


def test_pictures_are_spread_over_the_folder_and_lose_nothing(tmp_path):
    for number in range(6):
        write_image(tmp_path / "all" / f"{number}.png", picture(9, 9, number))
    taken = everywhere.collect(tmp_path / "all", 3, tmp_path / "taken")
    for path, number in zip(taken, (0, 2, 4), strict=True):
        np.testing.assert_array_equal(read_image(path), picture(9, 9, number))
    assert len(everywhere.collect(tmp_path / "all", 99, tmp_path / "more")) == 6


class Answering:
    """A target that answers with what it was made with, or fails in one of its rounds."""

    def __init__(self, labels, fails_in=None):
        self.labels, self.fails_in, self.rounds = labels, fails_in, 0

    def run(self, _):
        self.rounds += 1
        if self.rounds == self.fails_in:
            raise FailedError("it went away")
        return Run("Engine 1.0", [self.labels], start=self.rounds, milliseconds=10.0 * self.rounds)


def test_what_cannot_run_has_a_row_that_says_why():
    reasons = {
        "cpp": UnavailableError("cmake is not installed"),
        "executorch": MissingExtraError("format executorch", "executorch"),
        "torch": ExportError("the exported file is not equal to the model"),
    }

    def opener(name):
        if name in reasons:
            raise reasons[name]
        return Answering(LABEL)

    targets, rows = open_all(list(TARGETS), opener)
    assert list(targets) == ["onnx", "openvino", "web"]
    assert {name: row.missing for name, row in rows.items()} == {"cpp": True, "executorch": True, "torch": False}
    assert all(str(reasons[name]) in " | ".join(row.cells()) for name, row in rows.items())
    assert {name: row.passed(require=False) for name, row in rows.items()} == {
        "cpp": True,
        "executorch": True,
        "torch": False,
    }
    assert not any(row.passed(require=True) for row in rows.values())


def test_what_fails_once_is_out_and_the_others_take_turns():
    targets = {"onnx": Answering(LABEL), "web": Answering(LABEL, fails_in=2)}
    runs, failed = run_all(targets, [], rounds=3)
    assert {name: len(done) for name, done in runs.items()} == {"onnx": 3}
    assert failed == {"web": Row("web", reason="it went away")}
    assert targets["web"].rounds == 2


def test_the_round_that_agrees_least_counts(reference, tmp_path):
    bundle = export_small(tmp_path).folder
    wrong = np.full_like(LABEL, 200)
    runs = [Run("Engine 1.0", [label], start, 10 * start) for start, label in ((1, LABEL), (9, wrong), (2, LABEL))]
    row = everywhere.summed_up("cpp", runs, reference, bundle)
    assert (row.files, row.takes) == ("`model.onnx`", "this size")
    assert row.agreement.different == 10
    assert not row.passed(require=False)
    assert "0 of 12 (0.0000%) | 0.0000%, 10 differ | 2.00 s | 20.0 ms" in " | ".join(row.cells())


def test_the_text_says_what_a_near_tie_is_and_sets_times_beside_each_other(reference):
    agreement = reference.compare([LABEL])
    rows = [
        Row("openvino", agreement=agreement, milliseconds=20.0),
        Row("cpp", agreement=agreement, milliseconds=19.0),
        Row("web", reason="no Chromium", missing=True),
    ]
    written = text("Net, 2 threads", reference, rows, "A machine.")
    assert "1 pictures of 4x3" in written
    assert "In 2 of 12 pixels its two best logits are within 2e-03 of each other: near-ties." in written
    assert "C++ takes 0.95 times as long as Python with openvino on the same file." in written
    assert "WebAssembly" not in written
    assert len({line.count("|") for line in written.splitlines() if line.startswith("|")}) == 1


def test_a_programs_own_words_are_told_when_it_fails(tmp_path):
    failing = Command([sys.executable, "-c", "raise SystemExit('the disk is full')"], tmp_path, threads=1)
    with pytest.raises(FailedError, match="exit code 1: the disk is full"):
        failing.run([tmp_path / "0.png"])


def test_missing_tools_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("SEGWRIGHT_BROWSER", raising=False)
    with pytest.raises(UnavailableError, match="cmake is not installed"):
        cpp.built(tmp_path / "build")
    with pytest.raises(UnavailableError, match="no Chromium or Chrome"):
        web.find_browser()
    with pytest.raises(UnavailableError, match="npm"):
        web.install_packages()
