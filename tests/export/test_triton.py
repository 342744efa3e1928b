"""The model repository for Triton, read as Triton reads it: by its schema, and by ONNX Runtime."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from small_net import export_small, picture, small_bundle

from segwright.cli.main import main
from segwright.errors import ConfigError
from segwright.export import write_triton
from segwright.runtime import load

DTYPES = {"TYPE_UINT8": np.uint8, "TYPE_INT32": np.int32, "TYPE_FP32": np.float32}


def read(folder: Path):
    """The configuration by Triton's own schema."""
    schema = pytest.importorskip("tritonclient.grpc", reason="Triton's client with its schema is not installed")
    from google.protobuf import text_format

    text = (folder / "config.pbtxt").read_text(encoding="utf-8")
    return text_format.Parse(text, schema.model_config_pb2.ModelConfig())


def kind(port) -> type:
    return DTYPES[type(port).DESCRIPTOR.fields_by_name["data_type"].enum_type.values_by_number[port.data_type].name]


def run(folder: Path, config, batch: np.ndarray) -> np.ndarray:
    """What the model answers, once the configuration is found to be true of question and answer."""
    session = onnxruntime.InferenceSession(
        folder / "1" / config.default_model_filename, providers=["CPUExecutionProvider"]
    )
    (taken,), (given,) = config.input, config.output
    (answer,) = session.run([given.name], {taken.name: batch})
    for port, array in ((taken, batch), (given, answer)):
        sizes = array.shape[1:] if config.max_batch_size else array.shape
        assert array.dtype == kind(port)
        assert len(port.dims) == len(sizes)
        assert all(size in (-1, found) for size, found in zip(port.dims, sizes, strict=True))
    return answer


def test_pictures_of_any_size_several_at_once(tmp_path):
    bundle = small_bundle(tmp_path, input_shape=None, picture_input=True)
    repository = write_triton(bundle, "streets")
    folder = repository / "streets"
    config = read(folder)
    assert [entry.name for entry in repository.iterdir()] == [config.name] == ["streets"]
    assert (config.backend, config.max_batch_size, list(config.input[0].dims)) == ("onnxruntime", 8, [-1, -1, 3])
    assert config.HasField("dynamic_batching")
    assert [group.kind for group in config.instance_group] == [type(config.instance_group[0]).KIND_AUTO]
    for height, width in ((60, 80), (31, 45)):
        pictures = [picture(height, width, seed) for seed in range(3)]
        expected = [load(bundle)(one) for one in pictures]
        np.testing.assert_array_equal(run(folder, config, np.stack(pictures)), expected)


def test_classes_and_colours_are_in_the_configuration(tmp_path):
    names = ['a "quoted" name', "Straße", "\\", "x\ty"]
    bundle = small_bundle(tmp_path, class_names=names)
    folder = write_triton(bundle, "small") / "small"
    config = read(folder)
    assert json.loads(config.parameters["classes"].string_value) == names
    assert json.loads(config.parameters["palette"].string_value) == [*map(list, load(bundle).manifest.palette)]
    assert (folder / config.output[0].label_filename).read_text(encoding="utf-8").splitlines() == names


@pytest.mark.parametrize("output_op", ["softmax", "none"])
def test_tensors_of_one_size_and_number(tmp_path, output_op):
    bundle = small_bundle(tmp_path, output_op=output_op, input_shape=(2, 3, 56, 72))
    folder = write_triton(bundle, "small") / "small"
    config = read(folder)
    assert (config.max_batch_size, list(config.input[0].dims)) == (0, [2, 3, 56, 72])
    assert not config.HasField("dynamic_batching")
    predictor, image = load(bundle), picture(56, 72)
    batch = np.stack([predictor.prepare(image).tensor] * 2)
    np.testing.assert_array_equal(run(folder, config, batch)[0].argmax(0), predictor(image))


def test_the_model_takes_no_room_of_its_own_and_survives_the_next_export(tmp_path, monkeypatch):
    bundle = small_bundle(tmp_path)
    file = write_triton(bundle, "small") / "small" / "1" / "model.onnx"
    assert file.samefile(bundle / "model.onnx")
    before = file.read_bytes()
    export_small(tmp_path, output_op="none")
    assert file.read_bytes() == before != (bundle / "model.onnx").read_bytes()

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    write_triton(bundle, "small")
    assert file.read_bytes() == (bundle / "model.onnx").read_bytes()
    assert not file.samefile(bundle / "model.onnx")


def test_the_command_asks_the_graph_to_take_pictures_unless_told_otherwise(toy_config, tmp_path, capfd):
    words = ["export", "--config", str(toy_config("ToyNet", coef="[1, 1]")), "--save_dir", str(tmp_path / "toy")]
    assert main([*words, "--triton"]) == 0
    config = read(tmp_path / "toy" / "triton" / "toy")
    assert kind(config.input[0]) is np.uint8
    assert f"tritonserver --model-repository {tmp_path / 'toy' / 'triton'}" in capfd.readouterr().out
    assert main([*words, "--triton", "eyes", "--picture_input", "False"]) == 0
    assert kind(read(tmp_path / "toy" / "triton" / "eyes").input[0]) is np.float32


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--triton", "--format", "openvino"], "--format onnx, not openvino"),
        (["--triton", "a/b"], "'a/b' cannot be a model's name"),
    ],
)
def test_what_triton_cannot_have_is_refused_before_anything_is_done(toy_config, tmp_path, capfd, words, message):
    config = toy_config("ToyNet", coef="[1, 1]")
    assert main(["export", "--config", str(config), "--save_dir", str(tmp_path / "toy"), *words]) == 2
    assert message in " ".join(capfd.readouterr().err.split())
    assert not (tmp_path / "toy").exists()


def test_an_export_in_another_format_is_refused(tmp_path):
    bundle = small_bundle(tmp_path, file_format="torch")
    with pytest.raises(ConfigError, match="--format onnx, not torch"):
        write_triton(bundle, "small")
