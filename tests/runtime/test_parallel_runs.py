"""Small pictures are computed at the same time, a thread each: the labels and their order stay."""

import numpy as np
import pytest
from small_net import picture, small_bundle

from segwright.cli.main import main
from segwright.errors import ConfigError
from segwright.images import read_label, write_image
from segwright.runtime import EngineOptions, load
from segwright.runtime import predictor as predictor_module


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("export"), input_shape=None, transforms=[{"type": "Normalize"}])


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / f"pictures/{number}.png" for number in range(9)]
    for number, path in enumerate(paths):
        write_image(path, picture(30 + number, 50, number))
    return paths


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_labels_and_their_order_are_those_of_one_picture_at_a_time(tmp_path, folder, pictures, engine, capfd):
    (pictures[4]).write_bytes(b"no picture")
    words = ["infer", "--config", folder, "--image_path", pictures[0].parent, "--save_dir", tmp_path / "out"]
    assert main([*map(str, words), "--engine", engine, "--cpu_threads", "3"]) != 0
    told = capfd.readouterr()
    assert "3 threads, 3 pictures at a time" in told.out
    assert "4.png" in told.err
    alone = load(folder, EngineOptions(engine=engine, cpu_threads=1))
    for number in {*range(9)} - {4}:
        np.testing.assert_array_equal(read_label(tmp_path / f"out/{number}.png"), alone(pictures[number]))


def test_how_many_run_at_a_time(folder, pictures, monkeypatch):
    def parallel(count: int = 9, **options) -> int:
        return load(folder, EngineOptions(**options), pictures=pictures[:count]).options.parallel

    assert parallel(cpu_threads=4) == 4
    assert parallel(cpu_threads=20) == 9
    assert parallel(1, cpu_threads=4) == 1
    pictures[0].write_bytes(b"no picture")
    assert parallel(cpu_threads=2) == 2
    monkeypatch.setattr(predictor_module, "SMALL", 31 * 50 - 1)
    assert parallel(cpu_threads=4) == 1


def test_an_engine_that_runs_one_input_at_a_time(tmp_path, pictures):
    folder = small_bundle(tmp_path, file_format="torch")
    assert load(folder, pictures=pictures).options.parallel == 1
    with pytest.raises(ConfigError, match="one input at a time"):
        load(folder, EngineOptions(parallel=2))
    with pytest.raises(ConfigError, match="at least 1"):
        EngineOptions(parallel=0)
