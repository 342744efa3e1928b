"""Exports: equal to the model at any size, complete on the disk, or not there at all."""

import copy
import logging

import numpy as np
import onnx
import pytest
import torch
import yaml
from small_net import SmallNet, export_small, picture, small_net
from torch import nn

from segwright.errors import ConfigError, ExportError
from segwright.export import export_model
from segwright.export.deployed import Deployed, Written
from segwright.export.onnx import write
from segwright.export.verify import Case, verify
from segwright.images import read_label, write_image


def tamper_bias(file, amount):
    """Add to the last convolution's bias, as a faulty exporter would."""
    proto = onnx.load(str(file))
    bias = next(item for item in proto.graph.initializer if item.name.endswith("head.bias"))
    values = onnx.numpy_helper.to_array(bias) + np.array([amount, 0, 0, 0], np.float32)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    onnx.save(proto, str(file))


@pytest.mark.parametrize("output_op", ["argmax", "softmax", "none"])
def test_manifest_holds_the_whole_preprocessing_and_the_output(tmp_path, output_op):
    bundle = export_small(tmp_path / "out", output_op=output_op)
    deploy = yaml.safe_load(bundle.manifest.read_text())["Deploy"]
    assert [block["type"] for block in deploy["transforms"]] == ["Resize", "Normalize"]
    assert deploy["transforms"][0]["target_size"] == [72, 56]
    assert deploy["transforms"][1]["mean"]  # defaults are spelled out
    assert deploy["model"] == "model.onnx"
    assert deploy["input_shape"] == [1, 3, 56, 72]
    assert deploy["output_op"] == output_op
    assert deploy["output_dtype"] == ("int32" if output_op == "argmax" else "float32")
    assert deploy["labels"] == ["sky", "road", "car", "tree"]
    assert len(deploy["palette"]) == deploy["num_classes"] == 4
    names = sorted(path.name for path in tmp_path.joinpath("out").iterdir())
    assert names == ["certificate.html", "certificate.json", "deploy.yaml", "model.onnx", "selftest"]


def test_r60_heads_and_batch_norms_are_gone_and_the_model_is_as_before(tmp_path, caplog):
    caplog.set_level(logging.INFO, "segwright")
    model = small_net()
    model.extra.eval()  # a mixture of modes must come back too
    before = copy.deepcopy(model.state_dict())
    bundle = export_model(
        model, tmp_path, transforms=[{"type": "Normalize"}], num_classes=4, input_shape=(1, 3, 40, 40)
    )
    graph = onnx.load(str(bundle.model)).graph
    assert "extra" not in str([item.name for item in graph.initializer])
    assert "BatchNormalization" not in {node.op_type for node in graph.node}
    assert model.training
    assert not model.extra.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert "the outputs extra" in caplog.text


def test_r60_untrained_batch_norm_is_noticed(tmp_path, caplog):
    export_model(SmallNet(), tmp_path, transforms=[], num_classes=4, input_shape=(1, 3, 32, 32))
    assert "untrained" in caplog.text


def test_graph_tells_nothing_of_this_machine(tmp_path):
    content = export_small(tmp_path).model.read_bytes()
    assert b"stack_trace" not in content
    assert b".py" not in content


def test_exporter_is_quiet(tmp_path, capfd):
    export_small(tmp_path)
    out, err = capfd.readouterr()
    assert "onnx" not in (out + err).lower()


def test_r62_free_sizes_are_verified_at_two_sizes_and_a_batch(tmp_path):
    bundle = export_small(tmp_path, input_shape=None)
    assert tuple(one.shape for one in bundle.verification.inputs) == ((1, 3, 56, 72), (1, 3, 56, 72), (2, 3, 55, 71))
    assert bundle.verification.passed
    graph = onnx.load(str(bundle.model)).graph
    assert [d.dim_param or d.dim_value for d in graph.input[0].type.tensor_type.shape.dim] == ["N", 3, "H", "W"]
    assert [d.dim_param for d in graph.output[0].type.tensor_type.shape.dim] == ["N", "H", "W"]


def test_r62_any_size_and_batch_equals_eager(tmp_path):
    import onnxruntime

    bundle = export_small(tmp_path, input_shape=None, output_op="none")
    session = onnxruntime.InferenceSession(str(bundle.model), providers=["CPUExecutionProvider"])
    model = small_net().eval()
    for shape in [(1, 3, 32, 32), (3, 3, 33, 47), (1, 3, 5, 200), (2, 3, 64, 31)]:
        image = torch.randn(shape)
        with torch.inference_mode():
            expected = model(image)[0].numpy()
        np.testing.assert_allclose(session.run(None, {"image": image.numpy()})[0], expected, atol=1e-4)


def test_r62_one_free_axis(tmp_path):
    bundle = export_small(tmp_path, input_shape=(1, 3, -1, 72), transforms=[{"type": "Normalize"}])
    assert tuple(one.shape for one in bundle.verification.inputs) == ((1, 3, 192, 72), (1, 3, 192, 72), (1, 3, 191, 72))


def test_r63_own_pictures_serve_as_tests(tmp_path):
    write_image(tmp_path / "a.png", picture(80, 120, seed=1))
    bundle = export_small(tmp_path / "out", pictures=[tmp_path / "a.png", picture(50, 31, seed=2), picture(9, 9)])
    assert (tmp_path / "out/selftest/picture_1.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    masks = [read_label(bundle.folder / f"selftest/mask_{number}.png") for number in (1, 2)]
    assert [mask.shape for mask in masks] == [(80, 120), (50, 31)]
    assert not (bundle.folder / "selftest/picture_3.png").exists()


@pytest.fixture
def small(tmp_path):
    """Writes the small net as ONNX, unverified; returns the net, the files, and a case of it."""

    def write_small(output_op: str) -> tuple[Written, Case]:
        (tmp_path / "scratch").mkdir()
        model = Deployed(small_net(), output_op)
        written = write(model, tmp_path, tmp_path / "scratch", (1, 3, 56, 72))
        batch = np.random.default_rng(0).normal(size=(1, 3, 56, 72)).astype(np.float32)
        return written, Case.of(model, batch)

    return write_small


@pytest.mark.parametrize("output_op", ["argmax", "softmax", "none"])
def test_verification_refuses_another_graph(small, output_op):
    written, case = small(output_op)
    assert verify(written, "onnx", "fp32", [case]).passed
    for file in set(written):
        tamper_bias(file, 0.002)
    with pytest.raises(ExportError, match=r"not equal to the model.*logit difference 2.00e-03"):
        verify(written, "onnx", "fp32", [case])


def test_verification_compares_the_shipped_labels_not_only_the_logits(small):
    written, case = small("argmax")
    proto = onnx.load(str(written.model))
    proto.graph.node[-1].output[0] = "right"
    proto.graph.node.append(onnx.helper.make_node("Neg", ["right"], ["label"]))
    onnx.save(proto, str(written.model))
    with pytest.raises(ExportError, match=r"logit difference .*e-0[5-8] .* [1-9][0-9]* of 4032 labels differ"):
        verify(written, "onnx", "fp32", [case])


def test_failed_verification_leaves_nothing_new_and_the_older_export_whole(tmp_path, monkeypatch):
    from segwright.export.formats import WRITERS

    older = export_small(tmp_path).manifest.read_bytes()

    def faulty(*args):
        written = write(*args)
        tamper_bias(written.model, 1.0)
        return written

    monkeypatch.setitem(WRITERS, "onnx", faulty)
    with pytest.raises(ExportError, match="not equal"):
        export_small(tmp_path)
    assert (tmp_path / "deploy.yaml").read_bytes() == older
    with pytest.raises(ExportError, match="not equal"):
        export_small(tmp_path / "fresh")
    assert list((tmp_path / "fresh").iterdir()) == []


def test_other_files_in_the_folder_are_left_alone(tmp_path):
    (tmp_path / "iter_1000").mkdir()
    (tmp_path / "iter_1000/model.safetensors").write_bytes(b"weights")
    export_small(tmp_path)
    assert (tmp_path / "iter_1000/model.safetensors").read_bytes() == b"weights"


def test_interrupted_while_publishing_leaves_no_manifest(tmp_path, monkeypatch):
    from segwright.export import assemble

    export_small(tmp_path)
    monkeypatch.setattr(assemble, "move_file", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        export_small(tmp_path)
    assert not (tmp_path / "deploy.yaml").exists()


class NotFinite(nn.Module):
    def forward(self, image):
        return [image / 0]


def test_not_finite_logits_are_refused(tmp_path):
    with pytest.raises(ExportError, match="not finite"):
        export_model(NotFinite(), tmp_path, transforms=[], num_classes=3, input_shape=(1, 3, 8, 8))


class EvenOnly(nn.Module):
    def forward(self, image):
        half = image[:, :, ::2, ::2]
        return [half.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) + image]


def test_r62_model_that_takes_even_sizes_only_is_not_exported_for_any_size(tmp_path):
    with pytest.raises(ExportError, match="--input_shape N C H W"):
        export_model(EvenOnly(), tmp_path, transforms=[], num_classes=3)
    export_model(EvenOnly(), tmp_path, transforms=[], num_classes=3, input_shape=(1, 3, 8, 8))


def test_width_and_height_swapped_is_explained(tmp_path):
    with pytest.raises(ExportError, match=r"height 72 and width 56.*seem swapped.*\[width, height\]"):
        export_small(tmp_path, input_shape=(1, 3, 72, 56))


@pytest.mark.parametrize(
    ("shape", "message"),
    [((1, 56, 72, 3), "C is 56"), ((1, 3, 0, 72), "N C H W"), ((1, 3, 56), "four numbers"), ((1, 3, -2, 9), "-1")],
)
def test_bad_input_shape(tmp_path, shape, message):
    with pytest.raises(ConfigError, match=message):
        export_small(tmp_path, input_shape=shape)


def test_pictures_that_do_not_fit_a_fixed_shape_give_way_to_drawn_ones(tmp_path, caplog):
    bundle = export_small(tmp_path, transforms=[{"type": "Normalize"}], pictures=[picture(20, 20), picture(30, 30)])
    assert read_label(bundle.folder / "selftest/mask_1.png").shape == (56, 72)
    assert "will refuse all that are not 72x56" in caplog.text


def test_wrong_number_of_classes(tmp_path):
    with pytest.raises(ExportError, match="4 classes, but num_classes is 3"):
        export_small(tmp_path, num_classes=3, class_names=None)
    with pytest.raises(ConfigError, match="4 classes, but the data set names 2"):
        export_small(tmp_path, class_names=["a", "b"])


def test_unknown_transform_names_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match=r"transforms\[0\].*did you mean 'Resize'"):
        export_small(tmp_path, transforms=[{"type": "Resise"}])


def test_r20_save_dir_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="--save_dir"):
        export_small(tmp_path / "file/out")
