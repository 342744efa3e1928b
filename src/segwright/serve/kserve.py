"""The open inference protocol, version 2, over REST (https://kserve.github.io/website/docs/concepts/architecture/
data-plane/v2-protocol), with Triton's extension for binary tensors.

Preprocessing belongs to the served model, so its input is a picture, ``image``: either pixels, UINT8 (N, H, W, 3) RGB,
or encoded files, BYTES (N), which in JSON are base64. Outputs are ``label_map``, (N, H, W) at the pictures' own size,
and ``png``, BYTES (N), the same as PNG files.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from segwright.images import encode_label_map
from segwright.serve.bodies import json_body, parsed
from segwright.serve.models import Answer, Models
from segwright.serve.pictures import EncodedPicture, Incoming, PlainPixels, from_base64
from segwright.serve.problems import PROBLEMS, Refused
from segwright.serve.tensors import HEADER_LENGTH, InputTensor, byte_strings, packed_strings, pixels, split_body
from segwright.serve.versions import Model, Version
from segwright.version import __version__

IMAGE, LABEL_MAP, PNG = "image", "label_map", "png"

MAX_TENSORS = 16  # so that a list of a million mistakes is not answered with a million problems
MAX_JSON_VALUES = 4_000_000  # writing more as text takes seconds, in which nothing else is done


class OutputRequest(BaseModel):
    """An output that is wanted."""

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """Pictures, and which outputs are wanted; by default the label maps."""

    id: str | None = None
    parameters: dict[str, Any] = {}
    inputs: list[InputTensor] = Field(min_length=1, max_length=MAX_TENSORS)
    outputs: list[OutputRequest] = Field([], max_length=MAX_TENSORS)


class OutputTensor(BaseModel):
    """An output, its values here or after the JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] = {}
    data: list[int | str] | None = None


class InferAnswer(BaseModel):
    """What came out."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


class TensorDescription(BaseModel):
    """Name, kind and shape of an input or output; -1 is free."""

    name: str
    datatype: str
    shape: list[int]


class ModelDescription(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorDescription]
    outputs: list[TensorDescription]


def kserve_routes(models: Models) -> APIRouter:
    """Everything below ``/v2`` but health."""
    router = APIRouter(tags=["KServe v2"])
    infer_body = json_body(InferRequest)

    @router.get("/v2")
    async def server() -> dict[str, Any]:
        """Name, version and extensions of the server."""
        return {"name": "segwright", "version": __version__, "extensions": ["binary_tensor_data", "model_repository"]}

    @router.get("/v2/models/{name}", responses=PROBLEMS)
    @router.get("/v2/models/{name}/versions/{version}", responses=PROBLEMS)
    async def model_metadata(name: str, version: str | None = None) -> ModelDescription:
        """What the model takes and gives."""
        return _description(models[name], models[name].version(version))

    @router.get("/v2/models/{name}/ready", responses=PROBLEMS)
    @router.get("/v2/models/{name}/versions/{version}/ready", responses=PROBLEMS)
    async def model_ready(name: str, version: str | None = None) -> dict[str, Any]:
        """Whether the model answers: it does from the first moment, because the server starts when all models do."""
        models[name].version(version)
        return {"name": name, "ready": models.is_ready}

    @router.post("/v2/models/{name}/infer", responses=PROBLEMS, response_model=InferAnswer, openapi_extra=infer_body)
    async def infer(name: str, request: Request) -> Response:
        """Segment pictures with the newest version."""
        return await answered(request, name, None)

    @router.post(
        "/v2/models/{name}/versions/{version}/infer",
        responses=PROBLEMS,
        response_model=InferAnswer,
        openapi_extra=infer_body,
    )
    async def infer_by_version(name: str, version: str, request: Request) -> Response:
        """Segment pictures with one version."""
        return await answered(request, name, version)

    async def answered(request: Request, name: str, number: str | None) -> Response:
        models[name].version(number)  # what is not there is told before what is wrong with the body
        body, header_length = await request.body(), request.headers.get(HEADER_LENGTH)
        asked, binary = await models.in_thread(lambda: _read(body, header_length))
        image = _only_image(asked)
        with models.admitted(name, number, image.shape[0]) as version:
            limit, bit_depth = models.options.max_pixels, version.manifest.bit_depth
            if image.datatype == "BYTES":
                contents = await models.in_thread(lambda: _files(image, binary.get(IMAGE)))
                pictures: list[Callable[[], Incoming]] = [
                    partial(EncodedPicture, file, max_pixels=limit, bit_depth=bit_depth, field=IMAGE)
                    for file in contents
                ]
            else:
                array = await models.in_thread(lambda: pixels(image, binary.get(IMAGE), limit))
                pictures = [partial(PlainPixels, picture) for picture in array]
            answers = await asyncio.gather(*(models.answer(version, picture) for picture in pictures))
            with answers[0].timed("encode"):
                response = await models.in_thread(lambda: _response(asked, version, answers))
        models.note(request, version, answers[0])
        return response

    return router


def _description(model: Model, version: Version) -> ModelDescription:
    ids = "UINT8" if version.manifest.num_classes <= 256 else "INT32"
    return ModelDescription(
        name=model.name,
        versions=sorted(model.versions, key=int),
        platform=f"segwright_{version.manifest.format}",
        inputs=[TensorDescription(name=IMAGE, datatype="UINT8", shape=[-1, -1, -1, 3])],
        outputs=[
            TensorDescription(name=LABEL_MAP, datatype=ids, shape=[-1, -1, -1]),
            TensorDescription(name=PNG, datatype="BYTES", shape=[-1]),
        ],
    )


def _read(body: bytes, header_length: str | None) -> tuple[InferRequest, dict[str, bytes]]:
    """The request's JSON, and the bytes of each input whose values follow it."""
    head, rest = split_body(body, header_length)
    asked = parsed(head, InferRequest)
    binary: dict[str, bytes] = {}
    for tensor in asked.inputs:
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            continue
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= len(rest):
            error = f"binary_data_size of {tensor.name} is {size}, and {len(rest)} bytes follow"
            raise Refused(400, error, field="inputs")
        binary[tensor.name], rest = rest[:size], rest[size:]
    if rest:
        raise Refused(400, f"{len(rest)} bytes follow that no input's binary_data_size names", field="inputs")
    return asked, binary


def _only_image(asked: InferRequest) -> InputTensor:
    names = [tensor.name for tensor in asked.inputs]
    if names != [IMAGE]:
        raise Refused(400, f"want one input, '{IMAGE}'; got {', '.join(names)}", field="inputs.0.name")
    for index, output in enumerate(asked.outputs):
        if output.name not in (LABEL_MAP, PNG):
            error = f"there is no output '{output.name}'; want {LABEL_MAP} or {PNG}"
            raise Refused(400, error, field=f"outputs.{index}.name")
    image = asked.inputs[0]
    if not image.shape or image.shape[0] < 1:
        raise Refused(400, f"the shape {image.shape} holds no picture", field="inputs.0.shape")
    return image


def _files(image: InputTensor, content: bytes | None) -> list[bytes]:
    """The encoded pictures of a BYTES tensor."""
    if image.shape != [image.shape[0]]:
        raise Refused(400, f"encoded pictures have the shape [N], got {image.shape}", field="inputs.0.shape")
    if content is not None:
        return byte_strings(content, image.shape[0])
    data = image.data or []
    if len(data) != image.shape[0] or not all(isinstance(text, str) for text in data):
        raise Refused(400, f"want {image.shape[0]} texts of base64, as the shape says", field="inputs.0.data")
    return [from_base64(text, field="inputs.0.data") for text in data]


def _response(asked: InferRequest, version: Version, answers: list[Answer]) -> Response:
    """As JSON, followed by the values of outputs that are wanted in binary."""
    outputs, tail = [], b""
    for wanted in asked.outputs or [OutputRequest(name=LABEL_MAP)]:
        as_bytes = wanted.parameters.get("binary_data", asked.parameters.get("binary_data_output", False)) is True
        tensor, content = _output(wanted.name, version, answers)
        if as_bytes:
            tensor.parameters = {"binary_data_size": len(content)}
            tail += content
        elif tensor.datatype == "BYTES":
            tensor.data = [base64.b64encode(file).decode() for file in byte_strings(content, len(answers))]
        else:
            values = np.frombuffer(content, np.uint8 if tensor.datatype == "UINT8" else np.int32)
            if values.size > MAX_JSON_VALUES:
                error = f"the label maps have {values.size} values, too many for JSON: ask for binary_data or 'png'"
                raise Refused(413, error, field="outputs")
            tensor.data = values.tolist()
        outputs.append(tensor)
    answer = InferAnswer(model_name=version.model, model_version=version.number, id=asked.id, outputs=outputs)
    head = json.dumps(answer.model_dump(exclude_none=True)).encode()
    if not tail:
        return Response(head, media_type="application/json")
    return Response(head + tail, media_type="application/octet-stream", headers={HEADER_LENGTH: str(len(head))})


def _output(name: str, version: Version, answers: list[Answer]) -> tuple[OutputTensor, bytes]:
    """An output, and its values as bytes."""
    if name == PNG:
        files = [encode_label_map(answer.label, version.manifest.palette) for answer in answers]
        return OutputTensor(name=name, datatype="BYTES", shape=[len(files)]), packed_strings(files)
    sizes = {answer.label.shape for answer in answers}
    if len(sizes) > 1:
        error = "the pictures differ in size, so that their label maps are no tensor; ask for the output 'png'"
        raise Refused(400, error, field="inputs.0")
    few = version.manifest.num_classes <= 256
    array = np.stack([answer.label for answer in answers]).astype(np.uint8 if few else np.int32, copy=False)
    datatype = "UINT8" if few else "INT32"
    return OutputTensor(name=name, datatype=datatype, shape=list(array.shape)), array.tobytes()
