"""A model repository for NVIDIA's Triton Inference Server (https://github.com/triton-inference-server/server)."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from segwright.atomic import new_folder
from segwright.bundle import MANIFEST_NAME, Format, Manifest
from segwright.errors import ConfigError

if TYPE_CHECKING:
    import onnx

FOLDER = "triton"
MAX_BATCH = 8  # pictures of one size that Triton may run together
NAME = re.compile(r"[\w.-]+", re.ASCII)


def check_triton(name: str, file_format: Format) -> None:
    """Fail at once on what no repository can be written for.

    Raises:
        ConfigError: the name does not fit into a URL, or the format is not for Triton.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"'{name}' cannot be a model's name in Triton: use letters, digits, '-', '_' and '.'")
    if file_format != "onnx":
        raise ConfigError(
            f"a Triton model repository is written for --format onnx, not {file_format}: Triton runs that on CPUs and "
            "GPUs, with OpenVINO or TensorRT too"
        )


def write_triton(bundle: Path, name: str) -> Path:
    """Write ``triton/NAME`` into an export: ``config.pbtxt``, ``labels.txt`` and version 1 of the model.

    The model is the export's own file under a second name, or a copy where the file system has no hard links.

    Args:
        bundle: folder of an export in ONNX.
        name: of the model in Triton.

    Returns:
        The repository, ``triton``: what ``tritonserver --model-repository`` takes.

    Raises:
        ConfigError: the name does not fit into a URL, or the export is not in ONNX.
        ExportError: the export is incomplete or was changed.
    """
    import onnx

    manifest = Manifest.read(bundle / MANIFEST_NAME)
    check_triton(name, manifest.format)
    graph = onnx.load(bundle / manifest.model, load_external_data=False).graph
    classes = manifest.labels or [f"class {index}" for index in range(manifest.num_classes)]
    with new_folder(bundle / FOLDER / name) as folder:
        (folder / "1").mkdir()
        for file in manifest.files:
            if file.startswith(manifest.model):  # and its weights, where these have a file of their own
                _link(bundle / file, folder / "1" / file)
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in classes), encoding="utf-8")
        (folder / "config.pbtxt").write_text(_config(name, graph, manifest, classes), encoding="utf-8")
    return bundle / FOLDER


def _link(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def _config(name: str, graph: "onnx.GraphProto", manifest: Manifest, classes: "list[str] | tuple[str, ...]") -> str:
    """The model's configuration, a ``ModelConfig`` in protobuf's text format.

    Names, kinds and sizes are read from the graph, for Triton refuses a configuration that says otherwise.
    """
    batched = _sizes(graph.input[0])[0] < 0
    lines = [
        f"name: {json.dumps(name)}",
        'backend: "onnxruntime"',
        f"default_model_filename: {json.dumps(manifest.model)}",
        f"max_batch_size: {MAX_BATCH if batched else 0}",
        f"input [{{ {_port(graph.input[0], batched)} }}]",
        f'output [{{ {_port(graph.output[0], batched)} label_filename: "labels.txt" }}]',
        "instance_group [{ kind: KIND_AUTO count: 1 }]  # one on each GPU, or one on the CPU",
        *(["dynamic_batching { }"] if batched else []),
        *(_parameter(key, value) for key, value in (("classes", classes), ("palette", manifest.palette))),
    ]
    return "".join(f"{line}\n" for line in lines)


def _port(value: "onnx.ValueInfoProto", batched: bool) -> str:
    """An input or output; Triton counts the axis of a free batch by itself."""
    import onnx

    kinds: dict[int, str] = {
        onnx.TensorProto.UINT8: "TYPE_UINT8",
        onnx.TensorProto.INT32: "TYPE_INT32",
        onnx.TensorProto.FLOAT: "TYPE_FP32",
    }
    sizes = ", ".join(map(str, _sizes(value)[batched:]))
    return f"name: {json.dumps(value.name)} data_type: {kinds[value.type.tensor_type.elem_type]} dims: [{sizes}]"


def _sizes(value: "onnx.ValueInfoProto") -> list[int]:
    """Of each axis; -1 where any will do."""
    return [axis.dim_value if axis.HasField("dim_value") else -1 for axis in value.type.tensor_type.shape.dim]


def _parameter(key: str, value: object) -> str:
    """JSON for clients, who can ask Triton for a model's configuration."""
    text = json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)
    return f'parameters {{ key: "{key}" value {{ string_value: {text} }} }}'
