"""What an export that was ended leaves behind: nothing, at the latest when the next one begins."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from segwright.export.staging import staging


def test_what_a_dead_process_left_is_removed_and_nothing_else(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = socket.gethostname()
    dead = tmp_path / f".export-{host}-{ended.pid}-abcdefgh"
    others = [
        tmp_path / f".export-{host}-{os.getppid()}-abcdefgh",
        tmp_path / f".export-elsewhere-{ended.pid}-abcdefgh",
        tmp_path / ".export-notes",
    ]
    for folder in (dead, *others):
        folder.mkdir()
        (folder / "model.onnx").touch()
    with staging(tmp_path) as one, staging(tmp_path) as other:
        assert {path.name for path in tmp_path.iterdir()} == {path.name for path in (one, other, *others)}
    assert set(tmp_path.iterdir()) == set(others)


@pytest.mark.slow
def test_an_export_that_is_terminated_leaves_nothing(toy_config, tmp_path):
    out = tmp_path / "export"
    words = ("export", "--config", toy_config(), "--save_dir", out)
    process = subprocess.Popen([sys.executable, "-m", "segwright", *map(str, words)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (out.is_dir() and any(out.iterdir())) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert list(out.iterdir()) == []
