"""Bundles that were changed, and one whose labels are the pixels themselves."""

from pathlib import Path

import pytest
import yaml

from segwright.bundle import Manifest, file_hash
from segwright.version import __version__


def edit(folder, change):
    path = folder / "deploy.yaml"
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def replace_file(folder, name, data):
    """Exchange a file of a bundle, check sum and all."""
    (folder / name).write_bytes(data)

    def swap(content):
        next(file for file in content["files"] if file["path"] == name)["sha256"] = file_hash(folder / name)

    edit(folder, swap)


def identity(folder: Path, transforms: list[dict], *, to_rgb: bool = True, bit_depth: int | None = None) -> Path:
    """A bundle whose "labels" are the network's input itself: first channel + 256 x second channel."""
    onnx = pytest.importorskip("onnx")
    make, kind = onnx.helper, onnx.TensorProto
    parts = ["first", "second", "third"]
    nodes = [
        make.make_node("Split", ["image"], parts, axis=1, num_outputs=3),
        make.make_node("Round", ["first"], ["low"]),
        make.make_node("Round", ["second"], ["rounded"]),
        make.make_node("Mul", ["rounded", "factor"], ["high"]),
        make.make_node("Add", ["low", "high"], ["sum"]),
        make.make_node("Clip", ["sum", "zero", "top"], ["clipped"]),
        make.make_node("Cast", ["clipped"], ["wide"], to=kind.INT32),
        make.make_node("Squeeze", ["wide", "axis"], ["label"]),
    ]
    constants = [
        make.make_tensor(name, kind.FLOAT, [], [value])
        for name, value in (("factor", 256), ("zero", 0), ("top", 65535))
    ]
    graph = make.make_graph(
        nodes,
        "identity",
        [make.make_tensor_value_info("image", kind.FLOAT, ["N", 3, "H", "W"])],
        [make.make_tensor_value_info("label", kind.INT32, ["N", "H", "W"])],
        [*constants, make.make_tensor("axis", kind.INT64, [1], [1])],
    )
    folder.mkdir(parents=True)
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=10), folder / "model.onnx")
    manifest = Manifest(
        model="model.onnx",
        format="onnx",
        precision="fp32",
        miou_loss=None,
        picture_input=False,
        transforms=transforms,
        to_rgb=to_rgb,
        img_channels=3,
        bit_depth=bit_depth,
        input_shape=(-1, 3, -1, -1),
        output_op="argmax",
        output_dtype="int32",
        num_classes=65536,
        labels=None,
        palette=((0, 0, 0), (255, 0, 0)),
        files={"model.onnx": file_hash(folder / "model.onnx")},
        selftest=(),
        written_by=__version__,
    )
    (folder / "deploy.yaml").write_text(manifest.to_yaml(), encoding="utf-8")
    return folder
