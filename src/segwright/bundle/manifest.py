"""``deploy.yaml``: everything that running an exported model takes, beside the model file.

The ``Deploy:`` block is PaddleSeg's, with labels, palette and channels added. Around it stand the version of this
layout, the checksum of every file of the bundle, and the test pictures. Paths are relative to the file's folder.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Literal, get_args

import yaml

from segwright.errors import ExportError

MANIFEST_NAME = "deploy.yaml"
SCHEMA = 2  # 1 knew ONNX files in float32 only
AGREEMENT = 0.999  # of labels in float32: another processor may decide a tie between two classes the other way

OutputOp = Literal["argmax", "softmax", "none"]
Format = Literal["onnx", "openvino", "torch", "executorch"]
Precision = Literal["fp32", "fp16", "int8"]
Shape = tuple[int, int, int, int]  # N, C, H, W; -1 is free


@dataclass(frozen=True)
class Selftest:
    """A test picture and the label map that the trained model gives it.

    Attributes:
        image: path of the picture, relative to the bundle.
        mask: path of the label map.
        agreement: share of the labels that the exported model has to give, 0..1.
    """

    image: str
    mask: str
    agreement: float = AGREEMENT


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The content of a ``deploy.yaml``.

    Attributes:
        model: name of the file to open.
        format: what kind of file that is.
        precision: of its weights: ``fp32``, ``fp16`` (computed with in float32), or ``int8`` (so are most layers).
        miou_loss: by how much mIoU on validation data is below the trained model's, 0..1, or None if nobody looked.
        picture_input: whether the graph takes (N, H, W, 3) uint8 RGB pictures, does the transforms itself, and gives
            labels or scores at their size.
        transforms: blocks that turn a picture into the network's input, every argument spelled out.
        to_rgb: whether the network takes red first.
        img_channels: bands that the network takes.
        bit_depth: what pictures with more than 8 bits per value really use, or None.
        input_shape: N, C, H, W of the network's input; -1 where any number will do.
        output_op: what the graph ends in: ``argmax`` gives labels, ``softmax`` probabilities, ``none`` logits.
        output_dtype: NumPy's name for what comes out.
        num_classes: classes that the model tells apart.
        labels: their names, or None.
        palette: (red, green, blue) for each class.
        files: SHA-256 of each file of the bundle but this one.
        selftest: test pictures.
        written_by: version of segwright that wrote it.
    """

    model: str
    format: Format
    precision: Precision
    miou_loss: float | None
    picture_input: bool
    transforms: list[dict[str, Any]]
    to_rgb: bool
    img_channels: int
    bit_depth: int | None
    input_shape: Shape
    output_op: OutputOp
    output_dtype: str
    num_classes: int
    labels: tuple[str, ...] | None
    palette: tuple[tuple[int, int, int], ...]
    files: Mapping[str, str]
    selftest: tuple[Selftest, ...]
    written_by: str

    def to_yaml(self) -> str:
        """The text of the file."""
        content = {
            "schema": SCHEMA,
            "segwright": self.written_by,
            "Deploy": {
                "model": self.model,
                "format": self.format,
                "precision": self.precision,
                "miou_loss": self.miou_loss,
                "picture_input": self.picture_input,
                "transforms": self.transforms,
                "to_rgb": self.to_rgb,
                "img_channels": self.img_channels,
                "bit_depth": self.bit_depth,
                "input_shape": list(self.input_shape),
                "output_op": self.output_op,
                "output_dtype": self.output_dtype,
                "num_classes": self.num_classes,
                "labels": None if self.labels is None else list(self.labels),
                "palette": [list(colour) for colour in self.palette],
            },
            "files": [{"path": name, "sha256": digest} for name, digest in self.files.items()],
            "selftest": [asdict(test) for test in self.selftest],
        }
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read and check a ``deploy.yaml``, and every file that it names.

        Raises:
            ExportError: not such a file, written by a newer segwright or by PaddleSeg, a path that leaves the folder,
                a file that is missing or is not the one that was exported.
        """
        manifest = cls._parse(_load(path), path)
        for name, expected in manifest.files.items():
            file = path.parent / name
            if not file.is_file():
                raise ExportError(
                    f"{path} names {name}, which is missing: copy the whole export folder, or export again"
                )
            if file_hash(file) != expected:
                raise ExportError(
                    f"{file} is not the file that was exported (its SHA-256 differs from the one in {path}): it was "
                    "edited, damaged or swapped; copy the export folder again, or export again"
                )
        return manifest

    @classmethod
    def _parse(cls, content: dict[str, Any], path: Path) -> "Manifest":
        block = content["Deploy"]
        try:
            manifest = cls(
                model=block["model"],
                format=block["format"] if content["schema"] > 1 else "onnx",
                precision=block["precision"] if content["schema"] > 1 else "fp32",
                miou_loss=None if (loss := block.get("miou_loss")) is None else float(loss),
                picture_input=bool(block["picture_input"]) if content["schema"] > 1 else False,
                transforms=[dict(transform) for transform in block["transforms"]],
                to_rgb=block["to_rgb"],
                img_channels=int(block["img_channels"]),
                bit_depth=None if block["bit_depth"] is None else int(block["bit_depth"]),
                input_shape=tuple(map(int, block["input_shape"])),  # type: ignore[arg-type]
                output_op=block["output_op"],
                output_dtype=block["output_dtype"],
                num_classes=int(block["num_classes"]),
                labels=None if block["labels"] is None else tuple(map(str, block["labels"])),
                palette=tuple(_colour(colour) for colour in block["palette"]),
                files={file["path"]: str(file["sha256"]) for file in content["files"]},
                selftest=tuple(
                    Selftest(test["image"], test["mask"], float(test.get("agreement", AGREEMENT)))
                    for test in content["selftest"]
                ),
                written_by=str(content["segwright"]),
            )
        except KeyError as error:
            raise ExportError(f"{path} has no {error}: it was edited or damaged; export again") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise ExportError(f"{path} was edited or damaged ({error}); export again") from error
        for key, allowed in (("output_op", OutputOp), ("format", Format), ("precision", Precision)):
            if (value := getattr(manifest, key)) not in get_args(allowed):
                raise ExportError(f"{path}: want {key} {', '.join(get_args(allowed))}, got {value!r}; export again")
        if len(manifest.input_shape) != 4:
            raise ExportError(f"{path}: want an input_shape of four numbers, got {list(manifest.input_shape)}")
        for name in (manifest.model, *manifest.files, *(p for t in manifest.selftest for p in (t.image, t.mask))):
            _refuse_foreign(name, path)
            if name not in manifest.files:
                raise ExportError(f"{path} names {name} but holds no checksum of it; export again")
        return manifest


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _load(path: Path) -> dict[str, Any]:
    """The YAML, its layout's version checked."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ExportError(f"{path} does not exist; 'segwright export' writes it") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ExportError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not isinstance(content.get("Deploy"), dict):
        raise ExportError(f"{path} is not the deploy.yaml of an exported model: it has no 'Deploy:' block")
    schema = content.get("schema")
    if schema is None and str(content["Deploy"].get("model", "")).endswith((".pdmodel", ".json")):
        raise ExportError(
            f"{path} describes a model that PaddleSeg exported, which only Paddle Inference runs; make one for "
            "segwright from the same weights: segwright export --config CONFIG --model_path model.pdparams"
        )
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ExportError(f"{path} has no valid 'schema' (a whole number), so its layout is unknown; export again")
    if schema > SCHEMA:
        raise ExportError(
            f"{path} has layout {schema}, written by segwright {content.get('segwright', 'of unknown version')}, but "
            f"this segwright reads layouts up to {SCHEMA}: upgrade segwright here, or export with this version"
        )
    return content


def _colour(colour: Any) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in colour)
    if not all(0 <= value <= 255 for value in (red, green, blue)):
        raise ValueError(f"palette holds {list(colour)}")
    return red, green, blue


def _refuse_foreign(name: Any, path: Path) -> None:
    """Fail unless ``name`` is a plain relative path that stays in the bundle, by the rules of any system."""
    pure = (PurePosixPath(str(name)), PureWindowsPath(str(name)))
    if not isinstance(name, str) or not name or "\0" in name or any(p.anchor or ".." in p.parts for p in pure):
        raise ExportError(f"{path} names the file {name!r}: only files inside its own folder are allowed")
