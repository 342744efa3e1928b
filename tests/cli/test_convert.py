"""``segwright convert`` as a user runs it, and how it tells which model a file was made for."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import segwright
from segwright.build.recognise import recognise_model
from segwright.cli.main import main
from segwright.weights import load_weights, read_contents, save_weights

pytestmark = pytest.mark.usefixtures("one_thread")

BLOCK = {"type": "BiSeNetV2", "num_classes": 5}


@pytest.fixture
def run(capsys):
    """Runs a command line; returns exit code, standard output and error, each as one line."""

    def call(*words: object) -> tuple[int, str, str]:
        code = main(["convert", *map(str, words)])
        output = capsys.readouterr()
        return code, " ".join(output.out.split()), " ".join(output.err.split())

    return call


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return segwright.build_model(BLOCK)


@pytest.fixture
def files(model, tmp_path):
    """Saves the model's weights; returns the path."""

    def save(name: str):
        save_weights(model, tmp_path / name)
        return tmp_path / name

    return save


FORMATS = ("model.pdparams", "model.pth", "model.safetensors")


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_every_format_becomes_every_other_as_if_saved_in_it(run, files, tmp_path, source, target):
    out = tmp_path / "new" / target
    code, text, _ = run(files(source), out)
    assert code == 0
    assert "356 variables of BiSeNetV2, num_classes: 5; recognised by names and shapes" in text
    assert out.read_bytes() == files(target).read_bytes()
    assert [path.name for path in out.parent.iterdir()] == [target]


def test_a_checkpoint_of_pytorch_with_everything_in_it(run, model, tmp_path):
    names = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"state_dict": names, "epoch": 3, "optimizer": {"state": {}}}, tmp_path / "in.pth")
    assert run(tmp_path / "in.pth", tmp_path / "out.pdparams")[0] == 0
    other = segwright.build_model(BLOCK)
    assert load_weights(other, tmp_path / "out.pdparams").complete
    assert torch.equal(other.head.classify.weight, model.head.classify.weight)


def test_half_precision_stays(run, model, tmp_path):
    half = {name: value.half() for name, value in model.state_dict().items() if value.ndim}
    torch.save(half, tmp_path / "in.pth")
    assert run(tmp_path / "in.pth", tmp_path / "out.safetensors")[0] == 0
    torch.testing.assert_close(load_file(tmp_path / "out.safetensors"), half, rtol=0, atol=0)


def test_a_config_names_the_model_that_no_default_is(run, tmp_path):
    block = {"type": "BiSeNetV2", "num_classes": 2, "lambd": 0.5}
    save_weights(segwright.build_model(block), tmp_path / "wide.pth")
    code, _, err = run(tmp_path / "wide.pth", tmp_path / "out.pdparams")
    assert code == 2
    assert "no model in its default form has exactly these 356 variables" in err
    assert "--config FILE" in err
    (tmp_path / "wide.yml").write_text("model: {type: BiSeNetV2, num_classes: 2, lambd: 0.5}")
    code, out, _ = run(tmp_path / "wide.pth", tmp_path / "out.pdparams", "--config", tmp_path / "wide.yml")
    assert code == 0
    assert "356 variables of the model in" in out


def test_the_run_that_wrote_a_checkpoint_names_its_model(run, tmp_path):
    save_weights(segwright.build_model({"type": "BiSeNetV2", "num_classes": 2, "lambd": 0.5}), tmp_path / "a.pth")
    run_folder = tmp_path / "output"
    (run_folder / "iter_5").mkdir(parents=True)
    (tmp_path / "a.pth").rename(run_folder / "iter_5/model.pth")
    (run_folder / "config.yml").write_text("model: {type: BiSeNetV2, num_classes: 2, lambd: 0.5}")
    code, out, _ = run(run_folder / "iter_5", tmp_path / "out.pdparams")
    assert code == 0
    assert f"the model in {run_folder}/config.yml" in out
    (run_folder / "config.yml").write_text("model: {type: BiSeNetV2, num_classes: 2}")  # somebody else's
    assert run(run_folder / "iter_5", tmp_path / "other.pdparams")[0] == 2


@pytest.mark.parametrize("lambd", [0.25, 0.5])
def test_r33_every_variable_must_be_the_models(run, files, tmp_path, lambd):
    (tmp_path / "model.yml").write_text(f"model: {{type: BiSeNetV2, num_classes: 2, lambd: {lambd}}}")
    code, _, err = run(files("five.pth"), tmp_path / "out.pdparams", "--config", tmp_path / "model.yml")
    assert code == 2
    assert "fits BiSeNetV2 only partly" in err
    assert ("num_classes: 5, while the model has 2" in err) == (lambd == 0.25)
    assert not (tmp_path / "out.pdparams").exists()


class Call:
    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self):
        return os.system, (self.code,)


def archive(name: str, content: bytes) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def test_bad_input_is_an_error_and_leaves_nothing(run, files, tmp_path):
    whole = files("whole.pdparams").read_bytes()
    canary = tmp_path / "canary"
    bad = {
        "truncated.pdparams": (whole[: len(whole) // 2], "ends early: it is truncated"),
        "call.pdparams": (pickle.dumps({"weight": Call(f"touch {canary}")}), "system; nothing was run"),
        "climbing.tar.gz": (archive("../model.pdparams", whole), "leads out of it; nothing was unpacked"),
        "inflating.tar.gz": (archive("model.pdparams", bytes(80_000_000)), "inflates to many times its size"),
        "other.pdparams": (pickle.dumps({"weight": np.zeros(3)}), "no model in its default form"),
    }
    for name, (content, cause) in bad.items():
        (tmp_path / name).write_bytes(content)
        code, _, err = run(tmp_path / name, tmp_path / "out.pth")
        assert code == 2
        assert cause in err
        assert name in err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*bad, "whole.pdparams"])


def test_the_input_is_never_overwritten_and_the_output_needs_a_format(run, files, tmp_path):
    source = files("model.pth")
    before = source.read_bytes()
    (tmp_path / "link.pth").symlink_to(source)
    for output in (source, tmp_path / "link.pth", tmp_path / "." / "model.pth"):
        code, _, err = run(source, output)
        assert code == 2
        assert "is the input" in err
    assert "end the file name so" in run(source, tmp_path / "model.onnx")[2]
    assert source.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "backbone", "name", "more"),
    [
        ("LRASPP", "MobileNetV3_large_x1_0", "model.pdparams", {}),  # _os8 has the same variables
        ("OCRNet", "HRNet_W18", "model.safetensors", {"backbone_indices": [0]}),
    ],
)
def test_models_on_backbones_are_recognised(tmp_path, model, backbone, name, more):
    built = segwright.build_model({"type": model, "num_classes": 19, "backbone": {"type": backbone}, **more})
    save_weights(built, tmp_path / name)
    recognised = recognise_model(read_contents(tmp_path / name))
    assert str(recognised).startswith(f"{model} on {backbone}, num_classes: 19")
    assert ("_os8, num_classes: 19, which has the same variables" in str(recognised)) == (model == "LRASPP")
    assert recognised.model.state_dict().keys() == built.state_dict().keys()
