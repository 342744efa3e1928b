import json

import pytest

from segwright.demo.run import Recipe, run_demo

pytest.importorskip("onnxruntime")


@pytest.mark.slow
def test_the_demo_runs_from_pictures_to_page_and_tells_a_poor_score(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    save_dir = tmp_path / "the demo"
    recipe = Recipe(num_train=4, num_val=2, side=64, iters=2, batch_size=2, num_evaluations=1)
    result = run_demo(save_dir, recipe)
    assert result.agreement.pixels == 6 * 64 * 64
    assert result.agreement.share > 0.999
    assert result.miou == json.loads((save_dir / "scores.json").read_text())["mIoU"]
    assert not result.passed  # two iterations teach nothing

    page = result.page.read_text(encoding="utf-8")
    for words in ("<span>infer</span>", "of 24,576 pixels", f"{result.miou:.4f}", "type: BiSeNetV2"):
        assert words in page
    assert page.count("data:image/jpeg") == 2 * 4
    assert "$ segwright train" in capfd.readouterr().out
