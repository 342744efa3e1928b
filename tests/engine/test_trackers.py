"""Trackers: curves and pictures arrive, resumed runs go on, and no failure of theirs ends a run."""

import json
import logging
import threading
import time

import numpy as np
import pytest
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import GeneralTracker
from test_runlog import files_no_larger_than

from segwright.engine import trackers
from segwright.engine.trackers import GuardedTracker, chosen_trackers, make_trackers
from segwright.errors import ConfigError, MissingExtraError

PICTURE = np.full((6, 10, 3), 200, np.uint8)
CONFIG = {"iters": 8, "loss": {"coef": [1, 0.4]}, "model": {"type": "ToyNet"}}


def track(names, save_dir, start=0, config=CONFIG, steps=(1, 2)) -> Accelerator:
    """What a run does with its trackers, with a point and a picture at each step."""
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=True, log_with=make_trackers(names, save_dir, start, config))
    accelerator.init_trackers("segwright")
    for step in steps:
        accelerator.log({"Train/loss": 1 / step, "IoU/0 sky & (sea)": 0.5}, step=step)
        for tracker in accelerator.trackers:
            tracker.log_images({"Previews/00000_first": PICTURE}, step)
    accelerator.end_training()
    return accelerator


@pytest.mark.parametrize(
    ("names", "use_vdl", "wanted"),
    [
        (None, False, ["tensorboard"]),
        (None, True, ["vdl"]),
        (["none"], False, []),
        (["wandb", "tensorboard", "wandb"], False, ["wandb", "tensorboard"]),
        (["tensorboard"], True, ["tensorboard", "vdl"]),
    ],
)
def test_trackers_are_those_that_were_asked_for(names, use_vdl, wanted):
    assert chosen_trackers(names, use_vdl=use_vdl) == wanted


def test_names_that_are_wrong_or_contradict_each_other_are_errors():
    with pytest.raises(ConfigError, match="did you mean 'tensorboard'"):
        chosen_trackers(["tensorbord"])
    with pytest.raises(ConfigError, match="none and vdl contradict"):
        chosen_trackers(["none"], use_vdl=True)


@pytest.mark.parametrize("name", ["vdl", "wandb", "mlflow"])
def test_a_library_that_is_not_installed_names_its_extra(name, tmp_path, monkeypatch):
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=rf"segwright\[{name}\]"):
        make_trackers([name], tmp_path, 0)


def test_a_folder_with_the_name_of_a_library_is_not_the_library(tmp_path, monkeypatch):
    (tmp_path / "offline_runs").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(trackers.EXTRAS, "wandb", "offline_runs")
    with pytest.raises(MissingExtraError):
        make_trackers(["wandb"], tmp_path, 0)


def test_tensorboard_has_curves_and_pictures_once_also_after_a_resume(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    track(["tensorboard"], tmp_path, steps=(1, 2, 3))
    time.sleep(1.1)  # TensorBoard reads files in the order of their names, which begin with the second
    track(["tensorboard"], tmp_path, start=2, steps=(3, 4))
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in events.Scalars("Train/loss")] == [1, 2, 3, 4]
    image = events.Images("Previews/00000_first")[-1]
    assert (image.height, image.width) == PICTURE.shape[:2]


def test_visualdl_has_curves_and_pictures(tmp_path):
    pytest.importorskip("visualdl", reason="the extra vdl is not installed")
    from visualdl import LogReader

    track(["vdl"], tmp_path)
    (file,) = tmp_path.glob("vdlrecords.*")
    reader = LogReader(file_path=str(file))
    assert [point.id for point in reader.get_data("scalar", "Train/loss")] == [1, 2]
    assert len(reader.get_data("image", "Previews/00000_first")) == 2


@pytest.mark.slow
def test_wandb_works_offline_and_a_resumed_run_has_the_same_id(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    track(["wandb"], tmp_path)
    run_id = json.loads((tmp_path / "trackers.json").read_text())["wandb"]
    track(["wandb"], tmp_path, start=1, steps=(2, 3))
    assert json.loads((tmp_path / "trackers.json").read_text())["wandb"] == run_id
    runs = sorted((tmp_path / "wandb").glob("offline-run-*"))
    assert len(runs) == 2
    assert all(run_id in run.name for run in runs)  # and a number behind it, where both began in one second
    content = b"".join(run.joinpath(f"run-{run_id}.wandb").read_bytes() for run in runs)
    assert all(word in content for word in (b"Train/loss", b"ToyNet", b"iter"))
    assert list(runs[1].glob("files/media/images/Previews/*.png"))


@pytest.mark.slow
def test_mlflow_works_in_a_folder_and_a_resumed_run_goes_on_with_its_present_configuration(tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "trial")
    track(["mlflow"], tmp_path / "out")
    track(["mlflow"], tmp_path / "out", start=1, config={**CONFIG, "iters": 9}, steps=(2, 3))

    from mlflow import MlflowClient

    client = MlflowClient((tmp_path / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("trial").experiment_id])
    assert run.info.status == "FINISHED"
    assert [point.step for point in client.get_metric_history(run.info.run_id, "Train/loss")] == [1, 2, 2, 3]
    assert run.data.metrics["IoU/0 sky _ _sea_"] == 0.5
    assert (run.data.params["iters"], run.data.params["loss.coef.1"]) == ("8", "0.4")
    (config,) = (tmp_path / "mlruns").rglob("config.json")
    assert json.loads(config.read_text())["iters"] == 9
    assert list((tmp_path / "mlruns").rglob("artifacts/images/*Previews*.png"))


class Failing(GeneralTracker):
    """A tracker whose service goes away, or was never there."""

    name = "failing"
    requires_logging_directory = False
    tracker = None

    def __init__(self, at_start: bool = False) -> None:
        super().__init__()
        self.at_start, self.calls = at_start, 0

    def start(self) -> None:
        if self.at_start:
            raise RuntimeError("No API key configured")

    def log(self, values, step=None, **_) -> None:  # noqa: ARG002
        self.calls += 1
        raise ConnectionError("the service is gone")


def test_a_tracker_that_fails_later_is_left_out_with_one_warning(caplog):
    watcher = Failing()
    tracker = GuardedTracker(watcher, {})
    tracker.start()
    for step in range(3):
        tracker.log({"Train/loss": 1.0}, step)
        tracker.log_images({"Previews/0": PICTURE}, step)
    tracker.finish()
    assert watcher.calls == 1
    (record,) = caplog.records
    assert "failing has failed and gets nothing more: the service is gone. Training goes on" in record.message


def test_a_tracker_that_does_not_start_is_an_error_before_anything_is_trained():
    with pytest.raises(ConfigError, match=r"failing does not start: No API key configured; .*another --tracker"):
        GuardedTracker(Failing(at_start=True), {}).start()


def test_r41_a_disk_full_of_curves_does_not_end_the_run(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # TensorBoard's thread shows its traceback
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=True, log_with=make_trackers(["tensorboard"], tmp_path, 0))
    accelerator.init_trackers("segwright")
    with caplog.at_level(logging.WARNING, logger="segwright"), files_no_larger_than(50_000):
        for step in range(4):
            for tracker in accelerator.trackers:
                tracker.log_images({"Previews/0": noise}, step)
            accelerator.log({"Train/loss": 1.0}, step=step)
        accelerator.end_training()
    assert len([record for record in caplog.records if "tracker tensorboard has failed" in record.message]) == 1
