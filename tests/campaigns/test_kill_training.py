"""The campaign of kills in small: a run that is killed and goes on loses nothing, and a loss would be noticed."""

import json
import shutil
import signal
import tempfile
from itertools import cycle
from pathlib import Path

import pytest

from campaigns.blows import CHECKPOINT, EVALUATION, STEP, Blow
from campaigns.comparison import differences
from campaigns.evidence import Found, look
from campaigns.kill_training import campaign
from campaigns.small_training import SmallTraining

BLOWS = [
    Blow(CHECKPOINT, signal.SIGKILL, alone=False, fraction=0.5, evaluations=0),
    Blow(EVALUATION, signal.SIGKILL, alone=True, fraction=0.5, evaluations=0),
    Blow(STEP, signal.SIGTERM, alone=False, fraction=0.5, evaluations=0),
]


@pytest.mark.slow
def test_r40_r42_r46_a_run_killed_three_times_equals_one_that_was_not_and_a_loss_would_be_seen():
    tmp_path = Path(tempfile.mkdtemp(prefix="kill_"))  # short: sockets have names of 107 bytes at most
    training = SmallTraining(tmp_path, iters=24, workers=2, save_interval=6)
    outcome = campaign(training, cycle(BLOWS), kills=3)
    assert len(outcome.kills) == 3
    assert outcome.wrong == []
    assert "Damaged, lost or left behind: nothing." in outcome.describe()

    run, reference = tmp_path / "run_1", tmp_path / "reference"
    log = run / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    record = json.loads(lines[-1])
    lines[-1] = json.dumps({**record, "mIoU": 0.1}) + "\n"
    log.write_text("".join(lines), encoding="utf-8")
    (run / "best_model/.model.safetensors.0123abcd.tmp").touch()
    assert [problem.split(":")[0].split("[")[0] for problem in differences(run, reference)] == [
        "log.jsonl",
        "temporary files",
    ]

    newest = run / "iter_24/training.pt"
    newest.write_bytes(newest.read_bytes()[:-1])
    log.write_text("".join(lines[:3] + lines[4:]), encoding="utf-8")
    shutil.rmtree(run / "best_model")
    found = look(run, training, Found(24, frozenset({"best_model"})))
    assert found.newest == 18
    for word in ("iter_24 is damaged", "iter_24 was whole and is lost", "best_model was there", "log.jsonl has"):
        assert any(word in problem for problem in found.wrong)
