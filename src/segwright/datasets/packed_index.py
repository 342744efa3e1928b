"""``index.json`` of a packed data set: its classes, its shards, and where in them each picture and label map lies.

A shard is a plain tar file as the webdataset library reads it. Here it is never read as an archive: bytes are taken
from the places that the index names, so that any sample can be had at once, and nothing in a foreign tar file can do
harm.
"""

import json
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from segwright.errors import DataError

INDEX_NAME = "index.json"
KIND: Final = "segwright-packed"
VERSION: Final = 1
LARGEST_SHARD = 1 << 40  # bytes

LABEL = ".label"
"""Stands between the key and the suffix of a label map, for a picture may be a PNG as well."""


def _inside(name: str) -> str:
    """``name`` if it is a plain relative path by the rules of any system."""
    pure = (PurePosixPath(name), PureWindowsPath(name))
    if not name or "\0" in name or any(path.anchor or path.drive or ".." in path.parts for path in pure):
        raise ValueError(f"the path {name[:100]!r} leads out of its shard")
    return name


Byte = Annotated[int, Field(ge=0, le=255)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class Member(NamedTuple):
    """A file in a shard: what its name has behind the sample's key, and the place of its bytes.

    Attributes:
        suffix: ``.jpg`` of a picture, ``.label.png`` of a label map.
        offset: of its first byte in the shard.
        size: bytes.
        digest: as ``content_digest`` gives it.
    """

    suffix: Annotated[str, Field(pattern=r"^(\.[a-z0-9]+)+$")]
    offset: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    digest: Digest


class _Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PackedSample(_Plain):
    """A picture and its label map, if it has one; ``key`` is what their names have in common."""

    key: Annotated[str, AfterValidator(_inside)]
    image: Member
    label: Member | None = None


class Shard(_Plain):
    """A tar file beside the index."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*\.tar$")]
    size: Annotated[int, Field(ge=0, le=LARGEST_SHARD)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    samples: tuple[PackedSample, ...]

    @model_validator(mode="after")
    def _holds_its_members(self) -> "Shard":
        for sample in self.samples:
            for member in (sample.image, sample.label):
                if member and member.offset + member.size > self.size:
                    raise ValueError(f"{sample.key}{member.suffix} ends behind the end of {self.name}")
        return self


class Index(_Plain):
    """The content of the file; what is said about classes means what it means in ``SegmentationDataset``."""

    kind: Literal["segwright-packed"] = KIND
    version: Literal[1] = VERSION
    num_classes: Annotated[int, Field(ge=2)]
    ignore_index: int
    class_names: tuple[str, ...] | None
    palette: tuple[tuple[Byte, Byte, Byte], ...]
    label_ids: dict[Byte, Byte] | None
    bit_depth: int | None
    multilabel: bool
    shards: Annotated[tuple[Shard, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_each_file_once(self) -> "Index":
        names = [f"{shard.name}/{sample.key}" for shard in self.shards for sample in shard.samples]
        if len(set(names)) < len(names) or len({shard.name for shard in self.shards}) < len(self.shards):
            raise ValueError("it names a shard or a sample twice")
        return self


def read_index(path: Path) -> Index:
    """Read and check an index, which may come from anybody.

    Raises:
        DataError: it is missing, no such file, written by a newer segwright, or names what cannot be.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); want the {INDEX_NAME} that 'segwright data pack' writes"
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON ({error}); get it again, or pack the data again") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise DataError(f"{path} is not the {INDEX_NAME} of a packed data set, which 'segwright data pack' writes")
    if isinstance(content.get("version"), int) and content["version"] > VERSION:
        raise DataError(
            f"{path} has version {content['version']}, but this segwright reads versions up to {VERSION}: upgrade "
            "segwright, or pack the data with this one"
        )
    try:
        return Index.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        reason = problem["msg"].removeprefix("Value error, ")
        raise DataError(
            f"{path} is refused: {f'{place}: ' if place else ''}{reason}; it was damaged or made by other means: get "
            "it again, or pack the data again"
        ) from error
