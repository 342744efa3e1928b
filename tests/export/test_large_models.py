"""Models whose weights do not fit into one ONNX file. The limit is set low here, so that a small net is large."""

import shutil

import numpy as np
import onnx
import pytest
import yaml
from small_net import TRANSFORMS, export_small, picture, small_net, torch_labels

from segwright.bundle import Manifest, file_hash
from segwright.errors import ExportError
from segwright.export import export_model
from segwright.export import onnx as writer
from segwright.runtime import EngineOptions, load


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folders of the small net, exported as if it were large, by format."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "MOST_IN_ONE_FILE", 0)
        return {
            file_format: export_small(tmp_path_factory.mktemp(file_format), file_format=file_format).folder
            for file_format in ("onnx", "openvino")
        }


@pytest.fixture
def bundle(exported, tmp_path):
    return shutil.copytree(exported["onnx"], tmp_path / "bundle")


def test_r61_weights_lie_in_a_file_of_their_own_with_a_checksum(bundle):
    manifest = Manifest.read(bundle / "deploy.yaml")
    assert {"model.onnx", "model.onnx.data"} < set(manifest.files)
    assert {path.name for path in bundle.iterdir()} == {
        *("model.onnx", "model.onnx.data", "deploy.yaml", "selftest", "certificate.json", "certificate.html")
    }
    weights = onnx.load(str(bundle / "model.onnx"), load_external_data=False).graph.initializer
    outside = {tensor.name: tensor for tensor in weights if tensor.data_location == onnx.TensorProto.EXTERNAL}
    assert sum(tensor.name.startswith("model.deep.conv.weight") for tensor in outside.values()) == 1
    places = [{entry.key: entry.value for entry in tensor.external_data} for tensor in outside.values()]
    assert {place["location"] for place in places} == {"model.onnx.data"}
    assert all(int(place["offset"]) % 4096 == 0 for place in places)  # so that engines can map the file
    assert len({place["offset"] for place in places}) == len(places)


@pytest.mark.parametrize(
    ("file_format", "engine"), [("onnx", "onnxruntime"), ("onnx", "openvino"), ("openvino", "openvino")]
)
def test_r61_engines_open_the_folder_wherever_it_is(exported, tmp_path, monkeypatch, file_format, engine):
    folder = shutil.copytree(exported[file_format], tmp_path / "moved")
    monkeypatch.chdir(folder)  # where a file of the weights' name lies
    predictor = load(".", EngineOptions(engine=engine))
    image = picture(56, 72, 5)
    np.testing.assert_array_equal(predictor(image), torch_labels(image))


def test_r61_small_models_stay_one_file(tmp_path, monkeypatch):
    size = sum(tensor.nbytes for tensor in small_net().state_dict().values())
    monkeypatch.setattr(writer, "MOST_IN_ONE_FILE", size)
    assert not (export_small(tmp_path).folder / "model.onnx.data").exists()


def test_r61_exported_again_from_inside_the_folder(bundle, monkeypatch):
    monkeypatch.chdir(bundle)
    monkeypatch.setattr(writer, "MOST_IN_ONE_FILE", 0)
    export_small(bundle)
    assert load(bundle)(picture(30, 40)).shape == (30, 40)


@pytest.mark.parametrize("output_op", ["softmax", "none"])
def test_r61_other_ends_and_picture_input(tmp_path, monkeypatch, output_op):
    monkeypatch.setattr(writer, "MOST_IN_ONE_FILE", 0)
    folder = export_small(tmp_path, output_op=output_op, picture_input=True, input_shape=None).folder
    assert not (folder / "logits.onnx").exists()
    assert load(folder)(picture(31, 45)).shape == (31, 45)


def test_r61_r64_missing_and_changed_weights(bundle):
    weights = bundle / "model.onnx.data"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ExportError, match=r"model\.onnx\.data is not the file that was exported"):
        load(bundle)
    weights.unlink()
    with pytest.raises(ExportError, match=r"model\.onnx\.data, which is missing"):
        load(bundle)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("place", ["../elsewhere", "/absolute", "missing"])
def test_r61_r64_a_graph_that_takes_its_weights_from_elsewhere(bundle, engine, place):
    """Engines read no file outside the folder, though the graph and its checksum were forged."""
    location = str(bundle.parent / "elsewhere") if place == "/absolute" else place
    shutil.copy(bundle / "model.onnx.data", bundle.parent / "elsewhere")
    graph = onnx.load(str(bundle / "model.onnx"), load_external_data=False)
    for tensor in graph.graph.initializer:
        for entry in tensor.external_data:
            entry.value = location if entry.key == "location" else entry.value
    (bundle / "model.onnx").write_bytes(graph.SerializeToString())
    content = yaml.safe_load((bundle / "deploy.yaml").read_text())
    for file in content["files"]:
        file["sha256"] = file_hash(bundle / file["path"])
    (bundle / "deploy.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ExportError, match=r"cannot load .*model\.onnx"):
        load(bundle, EngineOptions(engine=engine))


def test_a_failed_export_leaves_no_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MOST_IN_ONE_FILE", 0)
    with pytest.raises(ExportError, match="4 classes, but num_classes is 3"):
        export_model(small_net(), tmp_path, transforms=TRANSFORMS, num_classes=3)
    assert not list(tmp_path.iterdir())


def test_r61_large_models_are_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "MOST_IN_ONE_FILE", 0)
    with pytest.raises(ExportError, match="more than a gigabyte is exported with --precision fp32 only"):
        export_small(tmp_path, precision="fp16")
    assert not list(tmp_path.iterdir())
