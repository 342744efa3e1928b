import numpy as np
import pytest

from segwright.demo.compare import Agreement, compare_label_maps
from segwright.demo.run import DemoResult, run_demo
from segwright.demo.steps import StepFailedError, run_step
from segwright.errors import ConfigError, DataError
from segwright.images import default_palette, write_label_map


def test_a_step_is_printed_run_and_timed(capfd):
    command = run_step("Say the version.", ["--version"])
    printed = capfd.readouterr().out
    assert "Say the version.\n$ segwright --version\nsegwright " in printed
    assert command.line == "segwright --version"
    assert command.seconds > 0


def test_a_failing_step_stops_the_demo_and_is_named(capfd, tmp_path):
    with pytest.raises(StepFailedError, match=r"'segwright val --config .*nothing\.yml'.* ended with exit code 2"):
        run_step("Evaluate.", ["val", "--config", tmp_path / "nothing.yml"])
    assert "nothing.yml" in capfd.readouterr().err


def test_paths_with_blanks_can_be_copied_from_the_printed_line(capfd):
    with pytest.raises(StepFailedError):
        run_step("Evaluate.", ["val", "--config", "my file.yml"])
    assert "$ segwright val --config 'my file.yml'" in capfd.readouterr().out


def test_agreement_counts_pixels(tmp_path):
    label = np.zeros((4, 5), np.uint8)
    other = label.copy()
    other[0, :3] = 1
    for folder, second in (("a", label), ("b", other)):
        write_label_map(tmp_path / folder / "1.png", label, default_palette(2))
        write_label_map(tmp_path / folder / "2.png", second, default_palette(2))
    agreement = compare_label_maps(tmp_path / "a", tmp_path / "b", ["1.png", "2.png"])
    assert (agreement.same, agreement.pixels, agreement.share) == (37, 40, 37 / 40)
    assert compare_label_maps(tmp_path / "a", tmp_path / "a", ["1.png", "2.png"]).share == 1


def test_label_maps_of_different_sizes_are_not_compared(tmp_path):
    write_label_map(tmp_path / "a" / "1.png", np.zeros((4, 5), np.uint8), default_palette(2))
    write_label_map(tmp_path / "b" / "1.png", np.zeros((5, 4), np.uint8), default_palette(2))
    with pytest.raises(DataError, match="want the same"):
        compare_label_maps(tmp_path / "a", tmp_path / "b", ["1.png"])


@pytest.mark.parametrize(
    ("miou", "different", "passed"), [(0.9, 0, True), (0.9, 20, True), (0.9, 30, False), (0.85, 0, False)]
)
def test_a_demo_passes_with_a_good_score_and_engines_that_differ_in_ties_only(tmp_path, miou, different, passed):
    agreement = Agreement(same=2_000_000 - different, pixels=2_000_000)
    assert DemoResult(page=tmp_path / "index.html", miou=miou, agreement=agreement).passed == passed


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds files that are not from a demo"):
        run_demo(tmp_path)
    assert (tmp_path / "data" / "precious.txt").read_text() == "mine"
