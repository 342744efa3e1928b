"""Bundles that are incomplete, edited, foreign or hostile: refused with a reason."""

import shutil
from contextlib import suppress

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_net import small_bundle

from segwright.bundle import Manifest, file_hash
from segwright.errors import ConfigError, ExportError, SegwrightError
from segwright.runtime import load


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def bundle(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "bundle")


def edit(bundle, change):
    path = bundle / "deploy.yaml"
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def test_manifest_comes_back_as_written(exported):
    manifest = Manifest.read(exported / "deploy.yaml")
    assert yaml.safe_load(manifest.to_yaml()) == yaml.safe_load((exported / "deploy.yaml").read_text())


def test_folder_can_be_moved(bundle):
    assert load(bundle).folder == bundle


@pytest.mark.parametrize("name", ["model.onnx", "selftest/picture_1.png", "selftest/mask_2.png"])
def test_r64_missing_file(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(ExportError, match=f"{name}, which is missing"):
        load(bundle)


@pytest.mark.parametrize("name", ["model.onnx", "selftest/picture_1.png"])
def test_r64_edited_file(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(ExportError, match=f"{name} is not the file that was exported"):
        load(bundle)


def test_r64_truncated_model(bundle):
    (bundle / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes()[:-100])
    with pytest.raises(ExportError, match="is not the file"):
        load(bundle)


def test_r64_newer_layout_names_both_versions(bundle):
    edit(bundle, lambda content: content.update(schema=7, segwright="9.2.0"))
    with pytest.raises(ExportError, match=r"layout 7, written by segwright 9.2.0.*up to 2.*upgrade"):
        load(bundle)


@pytest.mark.parametrize("schema", [None, "1", 0, True, 1.5])
def test_r64_no_valid_layout(bundle, schema):
    edit(bundle, lambda content: content.update(schema=schema))
    with pytest.raises(ExportError, match="schema"):
        load(bundle)


HOSTILE = [
    "/etc/passwd",
    "../model.onnx",
    "a/../../model.onnx",
    "C:\\model.onnx",
    "..\\m",
    "\\\\host\\m",
    "",
    "a\0b",
    7,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_r64_hostile_paths(bundle, name):
    for change in (
        lambda content: content["Deploy"].update(model=name),
        lambda content: content["selftest"][0].update(image=name),
        lambda content: content["files"].append({"path": name, "sha256": "0"}),
    ):
        shutil.copy(bundle / "deploy.yaml", bundle / "keep")
        edit(bundle, change)
        with pytest.raises(ExportError, match="only files inside its own folder"):
            load(bundle)
        shutil.move(bundle / "keep", bundle / "deploy.yaml")


def test_r64_model_without_checksum(bundle):
    shutil.copy(bundle / "model.onnx", bundle / "other.onnx")
    edit(bundle, lambda content: content["Deploy"].update(model="other.onnx"))
    with pytest.raises(ExportError, match="no checksum"):
        load(bundle)


def test_r64_foreign_model_file(bundle):
    (bundle / "model.onnx").write_bytes(b"not a graph")

    def swap(content):
        entry = next(file for file in content["files"] if file["path"] == "model.onnx")
        entry["sha256"] = file_hash(bundle / "model.onnx")

    edit(bundle, swap)
    with pytest.raises(ExportError, match=r"ONNX Runtime .* cannot load"):
        load(bundle)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_r64_any_damage_to_the_manifest_is_a_readable_error(exported, tmp_path, data):
    content = yaml.safe_load((exported / "deploy.yaml").read_text())
    block = content["Deploy"] if data.draw(st.booleans()) else content
    key = data.draw(st.sampled_from(sorted(block)))
    if data.draw(st.booleans()):
        del block[key]
    else:
        block[key] = data.draw(st.sampled_from([None, 5, "x", [], {}, [None], [[1]], ["a"], {"a": 1}]))
    folder = shutil.copytree(exported, tmp_path / "damaged", dirs_exist_ok=True)
    (folder / "deploy.yaml").write_text(yaml.safe_dump(content))
    with suppress(SegwrightError):  # some damage does no harm; any other exception is a fault
        load(folder)


def test_paddle_export_is_recognised(tmp_path):
    (tmp_path / "deploy.yaml").write_text("Deploy: {model: model.pdmodel, params: model.pdiparams, transforms: []}")
    with pytest.raises(ExportError, match=r"PaddleSeg exported.*segwright export"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "a: 1", "Deploy: [", "Deploy: 3", "\x00"])
def test_not_a_manifest(tmp_path, text):
    (tmp_path / "deploy.yaml").write_text(text)
    with pytest.raises(ExportError, match=r"deploy.yaml"):
        load(tmp_path)


def test_absent(tmp_path):
    with pytest.raises(ExportError, match=r"does not exist.*segwright export"):
        load(tmp_path)


def test_unknown_transform_in_the_manifest(bundle):
    edit(bundle, lambda content: content["Deploy"]["transforms"][0].update(type="Resise"))
    with pytest.raises(ConfigError, match=r"deploy.yaml: transforms\[0\].*did you mean 'Resize'"):
        load(bundle)
