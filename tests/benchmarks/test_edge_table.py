"""The table of small devices: a process's most memory, and a row that says what was exported."""

import subprocess

import pytest
from PIL import Image
from small_net import export_small, picture

from benchmarks.edge import TARGETS, THREADS, peak, row


def test_the_most_memory_that_a_program_holds():
    small, large = (peak(f"number = {count}; data = b'x' * number") for count in (1, 100_000_000))
    assert 90_000_000 < large - small < 110_000_000
    with pytest.raises(subprocess.CalledProcessError, match="exit status 3"):
        peak("sys.exit(3)")


def test_a_row(tmp_path):
    bundle = export_small(tmp_path / "bundle")
    Image.fromarray(picture(60, 80)).save(tmp_path / "picture.png")
    seconds = {f"onnx_fp32 {threads}": [0.25, 0.5, 0.125] for threads in THREADS}
    cells = row(TARGETS[0], bundle.folder, tmp_path / "picture.png", seconds)
    size = f"{bundle.model.stat().st_size / 1e6:.2f} MB"
    assert cells[:5] == ["onnx", "fp32", "onnxruntime", size, "0.00 points"]
    assert float(cells[5].split()[0]) >= float(cells[6].split()[0]) > 20
    assert cells[7:] == ["250", "250"]
