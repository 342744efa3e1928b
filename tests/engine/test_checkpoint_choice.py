"""Which checkpoint is taken when nobody names one."""

import pytest
from training_run import run

from segwright.engine.checkpoint_choice import newest_whole
from segwright.errors import CheckpointError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def save_dir(toy_data, tmp_path):
    """A run with checkpoints iter_2 to iter_6."""
    run(toy_data, tmp_path, iters=6, save_interval=2)
    return tmp_path


def cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def test_the_newest_of_whole_checkpoints_is_chosen(save_dir):
    (save_dir / ".iter_8.0123abcd.tmp").mkdir()  # a save that was killed
    assert newest_whole(save_dir) == (save_dir / "iter_6", [])


@pytest.mark.parametrize("name", ["model.safetensors", "training.pt", "state.json"])
def test_r46_a_damaged_newest_checkpoint_falls_back_to_the_one_before(save_dir, name):
    cut(save_dir / "iter_6" / name)
    folder, skipped = newest_whole(save_dir)
    assert folder == save_dir / "iter_4"
    ((bad, reason),) = skipped
    assert bad == save_dir / "iter_6"
    assert f"{name} is damaged" in reason


def test_r40_a_folder_that_lost_its_files_is_passed_over(save_dir):
    for file in (save_dir / "iter_6").iterdir():
        file.unlink()
    (save_dir / "iter_4/training.pt").unlink()
    folder, skipped = newest_whole(save_dir)
    assert folder == save_dir / "iter_2"
    assert [bad.name for bad, _ in skipped] == ["iter_6", "iter_4"]


def test_r46_where_all_are_damaged_nothing_is_started_anew(save_dir):
    for number in (2, 4, 6):
        cut(save_dir / f"iter_{number}/state.json")
    with pytest.raises(CheckpointError, match=r"none of the 3 checkpoints in .* is whole, the newest because .*iter_6"):
        newest_whole(save_dir)


def test_without_checkpoints_there_is_nothing_to_choose(tmp_path):
    assert newest_whole(tmp_path / "not/there") == (None, [])
