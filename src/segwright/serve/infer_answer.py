"""What a request of the open inference protocol is answered with: JSON, and values as bytes behind it."""

import base64
import json
from collections.abc import Sequence

import numpy as np
from fastapi import Response
from pydantic import BaseModel

from segwright.serve.infer_request import LABEL_MAP, PNG, InferRequest
from segwright.serve.problems import Refused
from segwright.serve.tensors import HEADER_LENGTH, packed_strings
from segwright.serve.versions import Version

MAX_JSON_VALUES = 4_000_000  # writing more as text takes seconds, in which nothing else is done


class OutputTensor(BaseModel):
    """An output, its values here or after the JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] = {}
    data: list[int | str] | None = None


class InferAnswer(BaseModel):
    """What came out."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


def datatype(version: Version) -> str:
    """Of the label map's class ids."""
    return "UINT8" if version.manifest.num_classes <= 256 else "INT32"


def infer_response(
    asked: InferRequest, version: Version, labels: Sequence[np.ndarray], files: Sequence[bytes]
) -> Response:
    """The outputs that are wanted, each in JSON or in binary, as it is wanted.

    Args:
        asked: the request.
        version: who answered.
        labels: the label maps, (H, W) each.
        files: these as PNG; only looked at where ``png`` is wanted.

    Raises:
        Refused: 400 where label maps are no tensor, 413 where they are too long for JSON.
    """
    outputs, tail = [], []
    for wanted in asked.wanted:
        as_bytes = wanted.parameters.get("binary_data", asked.parameters.get("binary_data_output", False)) is True
        if wanted.name == PNG:
            tensor = OutputTensor(name=PNG, datatype="BYTES", shape=[len(files)])
            if not as_bytes:
                tensor.data = [base64.b64encode(file).decode() for file in files]
            content = packed_strings(files) if as_bytes else b""
        else:
            array = _stacked(labels, version)
            tensor = OutputTensor(name=LABEL_MAP, datatype=datatype(version), shape=list(array.shape))
            if not as_bytes:
                tensor.data = _values(array)
            content = array.tobytes() if as_bytes else b""
        if as_bytes:
            tensor.parameters = {"binary_data_size": len(content)}
            tail.append(content)
        outputs.append(tensor)
    answer = InferAnswer(model_name=version.model, model_version=version.number, id=asked.id, outputs=outputs)
    head = json.dumps(answer.model_dump(exclude_none=True)).encode()
    if not tail:
        return Response(head, media_type="application/json")
    whole = b"".join([head, *tail])
    return Response(whole, media_type="application/octet-stream", headers={HEADER_LENGTH: str(len(head))})


def _stacked(labels: Sequence[np.ndarray], version: Version) -> np.ndarray:
    if len({label.shape for label in labels}) > 1:
        error = f"the pictures differ in size, so that their label maps are no tensor; ask for the output '{PNG}'"
        raise Refused(400, error, field="inputs.0")
    return np.stack(labels).astype(np.uint8 if datatype(version) == "UINT8" else np.int32, copy=False)


def _values(array: np.ndarray) -> list[int | str]:
    if array.size > MAX_JSON_VALUES:
        error = f"the label maps have {array.size} values, too many for JSON: ask for binary_data or '{PNG}'"
        raise Refused(413, error, field="outputs")
    return array.ravel().tolist()
