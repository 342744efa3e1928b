"""``deploy.yaml``: what `segwright export` says about a model, read and checked."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml
from errors import EdgeError

NEWEST = 2  # layout of deploy.yaml that is understood here


@dataclass(frozen=True)
class Selftest:
    """A test picture, the label map that the trained model gives it, and the share of labels that has to come out."""

    image: Path
    mask: Path
    agreement: float


@dataclass(frozen=True)
class Bundle:
    """An exported model.

    Attributes:
        model: the file to open.
        format: ``onnx``, ``openvino`` or ``executorch``.
        picture_input: whether the graph takes (N, H, W, 3) uint8 RGB pictures and does the transforms itself.
        transforms: what turns a picture into the network's input, every argument spelled out.
        to_rgb: whether the network takes red first.
        input_shape: N, C, H, W; -1 where any number will do.
        labels: names of the classes.
        palette: (red, green, blue) of each class.
        selftest: test pictures.
    """

    model: Path
    format: str
    picture_input: bool
    transforms: list[dict[str, Any]]
    to_rgb: bool
    input_shape: tuple[int, int, int, int]
    labels: list[str]
    palette: list[tuple[int, int, int]]
    selftest: list[Selftest]


def read_bundle(path: Path) -> Bundle:
    """Read a ``deploy.yaml``, given as such or by its folder, and compare every file beside it with its checksum.

    Raises:
        EdgeError: it is missing, damaged, or newer; a file that it names is missing or not the one that was exported.
    """
    path = path / "deploy.yaml" if path.is_dir() else path
    content = _load(path)
    try:
        block = content["Deploy"]
        files = {str(file["path"]): str(file["sha256"]) for file in content["files"]}
        bundle = Bundle(
            model=path.parent / block["model"],
            format=str(block.get("format", "onnx")),  # layout 1 had no other
            picture_input=bool(block.get("picture_input", False)),
            transforms=[dict(transform) for transform in block["transforms"]],
            to_rgb=bool(block["to_rgb"]),
            input_shape=_shape(block["input_shape"]),
            labels=[str(name) for name in block["labels"] or map("class {}".format, range(block["num_classes"]))],
            palette=[_colour(colour) for colour in block["palette"]],
            selftest=[
                Selftest(path.parent / test["image"], path.parent / test["mask"], float(test.get("agreement", 0.999)))
                for test in content["selftest"]
            ],
        )
        wanted = {block["model"], *(test[key] for test in content["selftest"] for key in ("image", "mask"))}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EdgeError(f"{path} was edited or damaged ({error!r}); copy the export folder again") from error
    if block["img_channels"] != 3:
        raise EdgeError(f"{path}: the model takes {block['img_channels']} channels; pictures here have three")
    for name in wanted - files.keys():
        raise EdgeError(f"{path} names {name} but holds no checksum of it; copy the export folder again")
    for name, digest in files.items():
        _check_file(path, name, digest)
    return bundle


def _load(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EdgeError(f"{path} does not exist; 'segwright export' writes it: copy its whole folder here") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise EdgeError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int) or "Deploy" not in content:
        raise EdgeError(f"{path} is not the deploy.yaml of a model that segwright exported")
    if not 1 <= content["schema"] <= NEWEST:
        raise EdgeError(
            f"{path} has layout {content['schema']}, and layouts 1 to {NEWEST} are read here: copy this folder of "
            "programs again from the segwright that wrote it"
        )
    return content


def _check_file(path: Path, name: str, digest: str) -> None:
    pure = (PurePosixPath(name), PureWindowsPath(name))
    if not name or "\0" in name or any(one.anchor or ".." in one.parts for one in pure):
        raise EdgeError(f"{path} names the file {name!r}: only files inside its own folder are allowed")
    file = path.parent / name
    if not file.is_file():
        raise EdgeError(f"{path} names {name}, which is missing: copy the whole export folder")
    if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise EdgeError(
            f"{file} is not the file that was exported (its SHA-256 differs from the one in {path}): it was edited, "
            "damaged or swapped; copy the export folder again"
        )


def _shape(values: list[int]) -> tuple[int, int, int, int]:
    batch, channels, height, width = map(int, values)
    return batch, channels, height, width


def _colour(values: list[int]) -> tuple[int, int, int]:
    red, green, blue = map(int, values)
    if not all(0 <= value <= 255 for value in (red, green, blue)):
        raise ValueError(f"palette holds {values}")
    return red, green, blue
