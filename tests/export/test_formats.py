"""Every format on every engine that reads it: the torch model's labels, and errors that say what to do."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from small_net import TRANSFORMS, export_small, picture, small_net, torch_labels

from segwright.bundle import Preprocessing
from segwright.errors import ConfigError, ExportError, MissingExtraError
from segwright.export import export_model
from segwright.runtime import ENGINES, EngineOptions, load, open_engine
from segwright.runtime.engines import engines_for

PAIRS = [
    ("onnx", "onnxruntime"),
    ("onnx", "openvino"),
    ("openvino", "openvino"),
    ("torch", "torch"),
    ("executorch", "executorch"),
]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Folder of an export in a format, made once."""
    made = {}

    def bundle(file_format: str):
        if file_format not in made:
            made[file_format] = export_small(tmp_path_factory.mktemp(file_format), file_format=file_format).folder
        return made[file_format]

    return bundle


@pytest.mark.parametrize(("file_format", "engine"), PAIRS)
@pytest.mark.parametrize("size", [(56, 72), (31, 45), (1, 1)])
def test_r63_the_labels_are_those_of_the_torch_model(bundles, file_format, engine, size):
    predictor = load(bundles(file_format), EngineOptions(engine=engine))
    assert engine in predictor.engine.title.lower().replace(" ", "").replace("pytorch", "torch")
    image = picture(*size, 5)
    np.testing.assert_array_equal(predictor(image), torch_labels(image))


@pytest.mark.parametrize("file_format", ["onnx", "openvino", "torch"])
@pytest.mark.parametrize("output_op", ["softmax", "none"])
def test_free_sizes_and_other_ends(tmp_path, file_format, output_op):
    options = {"input_shape": None, "output_op": output_op, "transforms": [{"type": "Normalize"}]}
    predictor = load(export_small(tmp_path, file_format=file_format, **options).folder)
    for height, width in ((40, 56), (33, 47)):
        image = picture(height, width, 3)
        scores = predictor.infer([predictor.prepare(image).tensor])[0]
        assert scores.shape == (4, height, width)
        item = Preprocessing([{"type": "Normalize"}])(image)
        with torch.inference_mode():
            logits = small_net().eval()(torch.from_numpy(item.tensor[None]))[0][0]
        expected = logits.softmax(0) if output_op == "softmax" else logits
        np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-4, atol=1e-4)


def test_executorch_wants_a_size(tmp_path):
    with pytest.raises(ConfigError, match="give --input_shape"):
        export_small(tmp_path, file_format="executorch", input_shape=None)
    assert not list(tmp_path.iterdir())


def test_a_misspelt_format_and_engine(tmp_path, bundles):
    with pytest.raises(ConfigError, match="did you mean 'openvino'"):
        export_small(tmp_path, file_format="openvno")
    with pytest.raises(ConfigError, match="did you mean 'onnxruntime'"):
        load(bundles("onnx"), EngineOptions(engine="onnxruntme"))


@pytest.mark.parametrize(
    ("file_format", "engine"), [("onnx", "torch"), ("torch", "openvino"), ("openvino", "onnxruntime")]
)
def test_an_engine_that_does_not_read_the_format(bundles, file_format, engine):
    with pytest.raises(
        ConfigError, match=f"{engine} does not read this model, whose format is {file_format}.*--engine"
    ):
        load(bundles(file_format), EngineOptions(engine=engine))


@pytest.mark.parametrize(
    ("engine", "file_format", "wishes", "remedy"),
    [
        ("openvino", "onnx", {"use_trt": True, "device": "gpu"}, "--engine onnxruntime"),
        ("openvino", "onnx", {"device": "gpu"}, "--device cpu"),
        ("openvino", "onnx", {"compile": True}, "--engine torch"),
        ("openvino", "onnx", {"precision": "fp16"}, "computes in"),
        ("onnxruntime", "onnx", {"compile": True}, "--engine torch"),
        ("onnxruntime", "onnx", {"precision": "bf16"}, "--engine openvino"),
        ("torch", "torch", {"enable_mkldnn": True}, "--engine openvino"),
        ("executorch", "executorch", {"precision": "bf16"}, "precision of the exported file"),
        ("executorch", "executorch", {"enable_mkldnn": True}, "--format openvino"),
        ("auto", "onnx", {"precision": "int8"}, "quantised"),
    ],
)
def test_wishes_that_cannot_be_met(bundles, engine, file_format, wishes, remedy):
    with pytest.raises(ConfigError, match=remedy):
        load(bundles(file_format), EngineOptions(engine=engine, **wishes))


def test_onednn_is_openvinos(bundles):
    assert "OpenVINO" in load(bundles("onnx"), EngineOptions(engine="openvino", enable_mkldnn=True)).engine.title


def test_bf16_rounds_where_the_processor_has_it(bundles):
    import openvino

    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no bfloat16")
    image = picture(56, 72, 1)
    rounded = load(bundles("onnx"), EngineOptions(engine="openvino", precision="bf16"))(image)
    assert (rounded != torch_labels(image)).mean() < 0.05


@pytest.mark.parametrize(("file_format", "engine"), PAIRS)
@pytest.mark.parametrize("damage", ["empty", "text", "half", "foreign"])
def test_damaged_and_foreign_files(bundles, tmp_path, file_format, engine, damage):
    folder = bundles(file_format)
    name = {"onnx": "model.onnx", "openvino": "model.xml", "torch": "model.pt2", "executorch": "model.pte"}[file_format]
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / name
    whole = path.read_bytes()
    other = next(bundles("executorch" if file_format == "torch" else "torch").glob("model.*"))
    contents = {"empty": b"", "text": b"no model", "half": whole[: len(whole) // 2], "foreign": other.read_bytes()}
    path.write_bytes(contents[damage])
    with pytest.raises(ExportError, match=name):
        open_engine(path, file_format, EngineOptions(engine=engine))


@pytest.mark.parametrize(("file_format", "engine"), PAIRS)
def test_wrong_shapes_are_errors(bundles, file_format, engine):
    predictor = load(bundles(file_format), EngineOptions(engine=engine))
    for shape in ((1, 3, 40, 40), (1, 4, 56, 72), (3, 56, 72)):
        with pytest.raises(ExportError, match="on an input of shape"):
            predictor.engine.run(np.zeros(shape, np.float32))


class Evil:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("place", ["sample_inputs/model.pt", "weights/model.pt", "weights/model_weights_config.json"])
def test_a_program_with_pickles_is_not_opened(bundles, tmp_path, place):
    """PyTorch would execute them."""
    path, mark, pickled = tmp_path / "model.pt2", tmp_path / "executed", io.BytesIO()
    torch.save(Evil(mark), pickled)
    with zipfile.ZipFile(bundles("torch") / "model.pt2") as whole, zipfile.ZipFile(path, "w") as archive:
        root = whole.namelist()[0].split("/")[0]
        contents = {name: whole.read(name) for name in whole.namelist()}
        changed = f"{root}/data/{place}"
        if place.endswith(".json"):
            config = json.loads(contents[changed])
            first = next(iter(config["config"].values()))
            assert first["use_pickle"] is False
            first["use_pickle"] = True
            contents[changed] = json.dumps(config).encode()
            contents[f"{root}/data/weights/{first['path_name']}"] = pickled.getvalue()
        else:
            contents[changed] = pickled.getvalue()
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(ExportError, match="only arrays are read"):
        open_engine(path, "torch", EngineOptions())
    assert not mark.exists()


def test_executorch_computes_with_as_many_threads_as_it_is_told(bundles):
    from executorch.extension.pybindings import _portable_lib as library

    for threads in (1, 2):
        predictor = load(bundles("executorch"), EngineOptions(engine="executorch", cpu_threads=threads))
        assert library._threadpool_get_thread_count() == threads
        np.testing.assert_array_equal(predictor(picture(56, 72, 2)), torch_labels(picture(56, 72, 2)))


def test_what_is_not_installed_is_named(bundles, monkeypatch):
    for reader in engines_for("openvino").values():
        monkeypatch.setattr(reader, "is_installed", lambda: False)
    with pytest.raises(MissingExtraError, match=r"segwright\[openvino\]"):
        load(bundles("openvino"))


def test_all_engines_are_tried():
    assert {engine for _, engine in PAIRS} == set(ENGINES)


def test_weights_that_changed_are_noticed(tmp_path):
    """A bundle of several files: the second one counts, too."""
    folder = export_model(
        small_net(), tmp_path, transforms=TRANSFORMS, num_classes=4, input_shape=(1, 3, 56, 72), file_format="openvino"
    ).folder
    weights = folder / "model.bin"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ExportError, match=r"model\.bin is not the file that was exported"):
        load(folder)


@pytest.mark.parametrize(("file_format", "engine"), PAIRS)
@pytest.mark.parametrize("output_op", ["argmax", "softmax", "none"])
def test_a_graph_that_begins_with_pictures(tmp_path, file_format, engine, output_op):
    """A client feeds what it has read, and gets labels of the picture's size."""
    shape = (1, 3, 60, 80) if file_format == "executorch" else None
    options = {"file_format": file_format, "input_shape": shape, "output_op": output_op, "picture_input": True}
    predictor = load(
        export_small(tmp_path, to_rgb=output_op == "argmax", **options).folder, EngineOptions(engine=engine)
    )
    for height, width in ((60, 80), (31, 45)) if shape is None else ((60, 80),):
        image = picture(height, width, 7)
        output = predictor.engine.run(image[None])
        assert output.shape[-2:] == (height, width)
        label = output[0] if output_op == "argmax" else output[0].argmax(0)
        np.testing.assert_array_equal(predictor(image), label)
        if output_op == "argmax":
            assert (label != torch_labels(image)).mean() <= 0.001


def test_transforms_that_a_graph_cannot_begin_with(tmp_path):
    for blocks, name in (
        ([{"type": "ResizeByLong", "long_size": 64}, {"type": "Normalize"}], "ResizeByLong"),
        ([{"type": "Resize", "target_size": [64, 64], "keep_ratio": True}, {"type": "Normalize"}], "Resize"),
        ([{"type": "Normalize"}, {"type": "Resize", "target_size": [64, 64]}], "Resize"),
    ):
        with pytest.raises(ConfigError, match=f"begin with pictures: {name} is not among"):
            export_small(tmp_path, transforms=blocks, input_shape=None, picture_input=True)


def test_a_program_holds_its_weights_and_little_else(bundles):
    """PyTorch would keep the input that it was traced with, of any size."""
    assert (bundles("torch") / "model.pt2").stat().st_size < 400_000


def test_weights_in_channels_last_are_exported_to_executorch_too(tmp_path):
    net = small_net().to(memory_format=torch.channels_last)
    bundle = export_model(
        net, tmp_path, transforms=TRANSFORMS, num_classes=4, input_shape=(1, 3, 56, 72), file_format="executorch"
    )
    assert bundle.verification.passed
    assert net.stem.conv.weight.is_contiguous(memory_format=torch.channels_last)
