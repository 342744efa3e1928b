"""What engines do to a process must not cost it its signals."""

import subprocess
import sys

import pytest
from small_net import small_bundle

PROGRAM = """
import gc, os, signal, sys
from segwright.runtime import EngineOptions, load

for _ in range(3):  # each opened before the one in front of it is gone
    predictor = load(sys.argv[1], EngineOptions(engine=sys.argv[2]))
del predictor
gc.collect()
signal.signal(signal.SIGCHLD, lambda *_: print("handled", flush=True))
os.kill(os.getpid(), signal.SIGCHLD)
"""


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_signals_are_handled_after_models_were_exchanged(tmp_path, engine):
    folder = small_bundle(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder, engine], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
