"""What a run that fails or is killed leaves behind, and what becomes of it."""

import subprocess
import sys

import psutil
import pytest
from training_run import run

from segwright import atomic
from segwright.engine.checkpoint import MODEL
from segwright.errors import DataError

pytestmark = pytest.mark.usefixtures("one_thread")


def test_r46_a_failed_evaluation_saves_the_statistics_of_the_step_before_it(toy_data, tmp_path, monkeypatch):
    run(toy_data, tmp_path / "straight")

    def fail(*_, **__):
        raise DataError("a picture cannot be used")

    monkeypatch.setattr("segwright.engine.run.evaluate", fail)
    with pytest.raises(DataError, match=r"cannot be used.*iter_4"):
        run(toy_data, tmp_path / "failed", evaluate=True)
    straight, failed = (tmp_path / name / "iter_4" / MODEL for name in ("straight", "failed"))
    assert failed.read_bytes() == straight.read_bytes()


def test_r40_what_a_killed_run_left_half_written_goes_at_the_next_start(toy_data, tmp_path):
    (tmp_path / ".iter_4.0123abcd.tmp").mkdir()
    (tmp_path / ".iter_4.0123abcd.tmp/.model.safetensors.89abcdef.tmp").touch()
    (tmp_path / ".notes.tmp").touch()
    run(toy_data, tmp_path, iters=1)
    assert [path.name for path in tmp_path.glob(".*.tmp")] == [".notes.tmp"]


@pytest.mark.parametrize("swaps", [True, False])
def test_a_folder_is_replaced_whole(tmp_path, monkeypatch, swaps):
    if not swaps:
        monkeypatch.setattr(atomic, "_swap", lambda *_: False)
    for text in ("one", "two"):
        with atomic.new_folder(tmp_path / "folder") as part:
            (part / text).touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "two"]


TRAINER = """
import time
from segwright.engine.readers import read
class Endless(list):
    def __getitem__(self, index): return index
    def __len__(self): return 10**6
if __name__ == "__main__":
    for _ in read(Endless(), 1):
        print("reading", flush=True)
        time.sleep(1000)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere readers see to it when they next wait for work")
def test_r42_readers_end_when_their_trainer_is_killed(tmp_path):
    script = tmp_path / "trainer.py"
    script.write_text(TRAINER)
    trainer = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, start_new_session=True)
    assert trainer.stdout is not None
    assert trainer.stdout.readline() == b"reading\n"
    helpers = psutil.Process(trainer.pid).children(recursive=True)
    assert len(helpers) >= 3  # resource tracker, fork server, reader
    trainer.kill()
    trainer.wait()
    _, alive = psutil.wait_procs(helpers, timeout=20)
    alive = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    for process in alive:
        process.kill()
    assert not alive
