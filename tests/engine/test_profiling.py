"""The profiler: PaddleSeg's options, a trace that browsers read, and the end that it asks for."""

import gzip
import json
import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from segwright.engine.profiling import Profiler, ProfilerOptions
from segwright.errors import ConfigError, OutputError

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


def train(options: str | None, save_dir, steps: int = 6) -> int:
    """A loop as training has it; returns the steps that it made."""
    layer, image = nn.Conv2d(3, 4, 3), torch.randn(1, 3, 16, 16)
    with Profiler(options, save_dir, CPU, steps=steps) as profiler:
        for step in range(1, steps + 1):
            with torch.profiler.record_function(f"iteration {step - 1}"):
                layer(image).sum().backward()
            if profiler.step():
                return step
    return steps


def profiled_steps(path) -> list[str]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    events = json.loads(content)["traceEvents"]
    assert any(event.get("name") == "aten::conv2d" for event in events)
    return sorted({event["name"] for event in events if event.get("name", "").startswith("iteration")})


@pytest.mark.parametrize(("first", "last"), [(0, 2), (1, 2), (3, 5)])
def test_exactly_the_steps_asked_for_are_in_the_trace_and_the_run_ends_behind_them(first, last, tmp_path):
    assert train(f"batch_range=[{first},{last}]", tmp_path) == last
    assert profiled_steps(tmp_path / "profile.json") == [f"iteration {step}" for step in range(first, last)]


def test_a_run_may_go_on_behind_them_and_the_table_names_the_costliest_operators(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="segwright")
    path = tmp_path / "traces" / "run.json.gz"
    options = (
        f"batch_range=[1, 3]; tracer_option=OpDetail; sorted_key=calls; exit_on_finished=False; profile_path={path}"
    )
    assert train(options, tmp_path) == 6
    assert profiled_steps(path) == ["iteration 1", "iteration 2"]
    assert "Operators by count" in caplog.text
    assert "aten::conv2d" in caplog.text
    assert "[1, 3, 16, 16]" in caplog.text
    assert f"steps 1 to 2 is in {path}" in caplog.text


def test_without_options_nothing_is_profiled(tmp_path):
    assert train(None, tmp_path) == 6
    assert not list(tmp_path.iterdir())


def test_options_are_those_of_paddleseg():
    assert ProfilerOptions.parse("") == ProfilerOptions()
    assert ProfilerOptions().batch_range == (10, 20)
    text = "batch_range=[50,60];state=GPU;tracer_option=Default;profile_path=model.profile"
    assert ProfilerOptions.parse(text) == ProfilerOptions((50, 60), state="GPU", profile_path=Path("model.profile"))
    assert ProfilerOptions.parse("exit_on_finished=no;").exit_on_finished is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("batch_rang=[1,2]", "did you mean 'batch_range'"),
        ("batch_range=[5,5]", "first below last, got"),
        ("batch_range=ten", "first below last, got ten"),
        ("state=TPU", "state is one of CPU, GPU, All, got TPU"),
        ("sorted_key=max", "calls, got max; torch's profiler knows no max"),
        ("exit_on_finished=perhaps", "exit_on_finished is one of"),
        ("state", "state has no value"),
        ("state=GPU;batch_range=[1,2]", "the run computes on cpu"),
        ("batch_range=[5,9]", "ends at 9, but this run makes 6 steps"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_an_error_before_training(options, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        Profiler(options, tmp_path, CPU, steps=6)


def test_a_place_that_cannot_be_written_is_an_error_before_training(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        Profiler(f"batch_range=[1,2];profile_path={tmp_path}/file/run.json", tmp_path, CPU, steps=6)


def test_a_run_that_is_stopped_within_the_range_leaves_what_there_is(tmp_path):
    with Profiler("batch_range=[1,5]", tmp_path, CPU, steps=6) as profiler:
        for _ in range(3):
            torch.nn.functional.conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3))
            profiler.step()
    assert (tmp_path / "profile.json").exists()


def test_a_process_that_does_not_record_ends_at_the_same_step(tmp_path):
    with Profiler("batch_range=[1,3]", tmp_path, CPU, steps=6, records=False) as profiler:
        assert [profiler.step() for _ in range(3)] == [False, False, True]
    assert not list(tmp_path.iterdir())
