"""Signs of how a run is doing."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segwright.engine.health import IgnoredLabels, fall_warning, memory_use


def batch(*labels: torch.Tensor) -> dict:
    return {"label": torch.stack(labels), "file": [f"picture_{index}.png" for index in range(len(labels))]}


def test_r14_label_maps_without_a_pixel_that_counts_are_counted_and_the_first_is_named(caplog):
    empty, single = torch.full((40, 50), 255, dtype=torch.uint8), torch.full((40, 50), 255, dtype=torch.uint8)
    single[17, 3] = 0  # not on the grid that is looked at first
    ignored = IgnoredLabels(255)
    ignored.add(batch(torch.zeros(40, 50, dtype=torch.uint8), single))
    assert not caplog.records
    ignored.add(batch(single, empty, empty))
    ignored.add(batch(empty))
    assert (ignored.take(), ignored.take()) == (3, 0)
    (record,) = caplog.records
    assert "picture_1.png" in record.message


@given(height=st.integers(1, 40), width=st.integers(1, 40), count=st.integers(0, 3), seed=st.integers(0, 9))
def test_r14_a_label_map_is_ignored_only_if_every_pixel_is(height, width, count, seed):
    label = torch.full((1, 2, height, width), 255)  # two maps a picture, as where a pixel may have several labels
    places = torch.randint(0, label.numel(), (count,), generator=torch.Generator().manual_seed(seed))
    label.view(-1)[places] = 1
    ignored = IgnoredLabels(255)
    ignored.add({"label": label, "file": ["picture.png"]})
    assert ignored.take() == (count == 0)


def test_memory_counts_this_process_and_those_below_it():
    alone = memory_use(torch.device("cpu"))
    assert set(alone) == {"memory_mib"}
    hungry = "import sys; data = b'1' * (200 << 20); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hungry], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        together = memory_use(torch.device("cpu"))
        child.communicate()
    assert together["memory_mib"] - alone["memory_mib"] > 190


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_memory_of_a_gpu_is_the_most_that_tensors_took():
    device = torch.device("cuda", 0)
    torch.zeros(64 << 20, dtype=torch.uint8, device=device)
    assert memory_use(device)["gpu_memory_mib"] >= 64


def test_r44_a_score_that_falls_far_below_the_best_is_told():
    text = fall_warning(0.7874, 0.8687, 3000)
    assert text is not None
    assert "fallen to 0.7874, 0.0813 below the best, 0.8687 at iteration 3000" in text


@pytest.mark.parametrize(("miou", "best"), [(0.30, None), (0.86, 0.8687), (0.9, 0.8687), (0.82, 0.8687)])
def test_r44_ups_and_downs_are_not(miou, best):
    assert fall_warning(miou, best, 3000) is None
