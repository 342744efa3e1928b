"""The benchmarks of exported models, as far as PaddleSeg's environment is not needed. No test looks at a time."""

import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
from small_net import small_bundle

from benchmarks.cases import CASES
from benchmarks.deployed import PEER, PEER_BF16, Side, labels_of, our_sides, start, weighted
from benchmarks.deployed_pictures import OURS, agreement, rates, sides_in
from segwright.images import default_palette, write_label_map
from segwright.runtime import load


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """An export for 72x56 pixels."""
    return small_bundle(tmp_path_factory.mktemp("export"))


def test_random_weights_give_several_labels_and_the_same_again():
    image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        first, second = (weighted(CASES["lraspp"], None, image)(image)[0] for _ in range(2))
    assert torch.equal(first, second)
    assert len(first.argmax(1).unique()) > 1


def test_each_export_runs_on_the_engines_that_read_it_and_a_worker_gives_its_labels(bundle, tmp_path):
    sides = our_sides(bundle, [bundle])
    assert list(sides) == [
        "segwright, ONNX Runtime",
        "segwright, OpenVINO",
        "segwright, OpenVINO, bf16",
        "segwright, ONNX Runtime, fp32 as onnx",
        "segwright, OpenVINO, fp32 as onnx",
    ]
    image = np.random.default_rng(0).standard_normal((1, 3, 56, 72), dtype=np.float32)
    np.save(tmp_path / "image.npy", image)
    name = "segwright, ONNX Runtime"
    with ExitStack() as stack:
        workers = start({name: sides[name]}, tmp_path, 1, stack)
        assert len(workers[name].run(2)) == 2
        assert "ONNX Runtime" in workers[name].versions
    np.testing.assert_array_equal(np.load(labels_of(name, tmp_path)), load(bundle).infer(list(image)))


def test_only_the_peer_in_bfloat16_may_fail_to_start(tmp_path, monkeypatch):
    (tmp_path / "measured.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    failing = Side(sys.executable, "measured", tmp_path)
    with ExitStack() as stack:
        assert start({PEER_BF16: failing}, tmp_path, 1, stack) == {}
        with pytest.raises(RuntimeError, match="measured ended with exit code 3"):
            start({PEER: failing}, tmp_path, 1, stack)


def test_commands_and_workers_of_a_side_have_the_same_flags_and_folders_of_their_own(tmp_path):
    sides = sides_in(tmp_path, "python3", 2, tmp_path / "int8")
    assert list(sides)[:2] == [OURS, f"{OURS} --engine openvino"]
    rounded, quantised = (sides[f"{OURS} --engine openvino --precision {precision}"] for precision in ("bf16", "int8"))
    assert rounded.flags[-2:] == ["--precision", "bf16"]
    assert tmp_path / "int8" / "deploy.yaml" in quantised.flags
    assert len({side.flags[side.flags.index("--save_dir") + 1] for side in sides.values()}) == len(sides) == 5


def test_agreement_counts_pixels_of_the_same_pictures_only(tmp_path):
    label, palette = np.zeros((4, 5), np.uint8), default_palette(2)
    for folder in ("one", "other"):
        write_label_map(tmp_path / folder / "a.png", label, palette)
    label[0] = 1
    write_label_map(tmp_path / "other" / "a.png", label, palette)
    assert agreement(tmp_path / "one", tmp_path / "other") == pytest.approx(0.75)
    write_label_map(tmp_path / "other" / "b.png", label, palette)
    with pytest.raises(ValueError, match="same pictures"):
        agreement(tmp_path / "one", tmp_path / "other")


def test_rates_compare_with_and_without_the_start():
    text = rates("t", {"ours": [2.0], "PaddleSeg": [5.0]}, {"ours": [3.0], "PaddleSeg": [9.0]}, 10)
    assert "| ours | 5.0 | 5.0 to 5.0 | 2.5 x | 3.0 s | 3.0 x |" in text
