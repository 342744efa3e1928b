"""The example notebook runs from its first cell to its last, and what it says is so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segwright import runtime
from segwright.images import read_label

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOK = EXAMPLES / "road_segmentation.ipynb"


def outputs() -> list[dict]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", ())]


def test_what_is_shown_is_small_and_names_no_folder_of_a_machine():
    assert NOTEBOOK.stat().st_size < 500_000
    kept = json.dumps(outputs())
    assert kept.count("image/jpeg") >= 5
    assert not any(word in kept for word in ("/tmp/", "/home/", "/root/", "/Users/", str(EXAMPLES.parent)))
    assert {output["output_type"] for output in outputs()} <= {"stream", "display_data", "execute_result"}


@pytest.mark.slow
def test_every_cell_runs_and_the_exported_model_agrees(tmp_path):
    """In a kernel of its own, on the pictures that it draws."""
    pytest.importorskip("ipykernel", reason="the extra 'notebook' is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the extra 'notebook' is not installed")
    import nbformat

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    environment = {**os.environ, "ROAD_OUTPUT": str(tmp_path), "OMP_NUM_THREADS": "1"}
    environment.pop("ROAD_DATA", None)
    client = nbclient.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(EXAMPLES)}})
    client.execute(env=environment)

    assert (tmp_path / "export/model.onnx").stat().st_size < 10e6
    predictor = runtime.load(tmp_path / "export")
    label_maps = sorted((tmp_path / "predictions/pseudo_color_prediction/images").iterdir())
    assert len(label_maps) == 8
    for path in label_maps:
        picture = tmp_path / "data/images" / f"{path.stem}.jpg"
        agreement = np.mean(predictor(picture) == read_label(path))  # all but the steps along the borders
        assert agreement > 0.99
    certificate = json.loads((tmp_path / "export/certificate.json").read_text(encoding="utf-8"))
    assert (certificate["passed"], certificate["different"]) == (True, 0)


@pytest.mark.slow
def test_the_script_goes_the_same_way(tmp_path):
    sys.path.insert(0, str(EXAMPLES))
    try:
        from road_scenes import write_roads
    finally:
        sys.path.remove(str(EXAMPLES))
    from segwright.types import Size

    write_roads(tmp_path / "road", num_train=8, num_val=1, size=Size(32, 48))
    words = [EXAMPLES / "road_segmentation.py", tmp_path / "road", "--iters", 1, "--save_dir", tmp_path / "out"]
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "best mIoU" in done.stdout
    assert (tmp_path / "out/predictions/added_prediction/images/val_000.jpg").is_file()
