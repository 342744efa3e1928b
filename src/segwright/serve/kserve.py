"""The open inference protocol, version 2, over REST (https://kserve.github.io/website/docs/concepts/architecture/
data-plane/v2-protocol), with Triton's extension for binary tensors.

Preprocessing belongs to the served model, so its input is a picture, ``image``: either pixels, UINT8 (N, H, W, 3) RGB,
or encoded files, BYTES (N), which in JSON are base64. Outputs are ``label_map``, (N, H, W) at the pictures' own size,
and ``png``, BYTES (N), the same as PNG files.
"""

import time
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from segwright.images import encode_label_map
from segwright.serve.bodies import json_body
from segwright.serve.infer_answer import InferAnswer, datatype, infer_response
from segwright.serve.infer_request import IMAGE, LABEL_MAP, PNG, InferRequest, only_image, read_request, sent_pictures
from segwright.serve.models import Models
from segwright.serve.pictures import Incoming
from segwright.serve.problems import ENDING, PROBLEMS
from segwright.serve.tensors import HEADER_LENGTH
from segwright.serve.together import together
from segwright.serve.versions import Model, Version
from segwright.version import __version__


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

    @router.get("/v2/models/{name}/ready", responses=PROBLEMS | ENDING)
    @router.get("/v2/models/{name}/versions/{version}/ready", responses=PROBLEMS | ENDING)
    async def model_ready(name: str, version: str | None = None) -> JSONResponse:
        """Whether new requests are welcome; the server starts when all models are open."""
        models[name].version(version)
        return JSONResponse({"name": name, "ready": models.is_ready}, 200 if models.is_ready else 503)

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
        asked, binary = await models.in_thread(lambda: read_request(body, header_length))
        image = only_image(asked)
        with models.admitted(name, number, image.shape[0]) as version:
            read = partial(sent_pictures, max_pixels=models.options.max_pixels, bit_depth=version.manifest.bit_depth)
            pictures = await models.in_thread(lambda: read(image, binary.get(IMAGE)))
            answers = await together(models.answer(version, partial(_opened, picture)) for picture in pictures)
            began = time.monotonic()
            labels = [answer.label for answer in answers]
            files: list[bytes] = []
            if PNG in asked.wanted_names:
                encode = partial(encode_label_map, palette=version.manifest.palette)
                files = await together(models.in_thread(partial(encode, label)) for label in labels)
            response = await models.in_thread(lambda: infer_response(asked, version, labels, files))
            share = (time.monotonic() - began) / len(answers)
            for answer in answers:
                answer.timing["encode"] = 1000 * share
        models.note(request, version, *answers)
        return response

    return router


def _opened(picture: Incoming) -> Incoming:
    """It: all headers of a request are read before the first picture is decoded, because the pixels are added up."""
    return picture


def _description(model: Model, version: Version) -> ModelDescription:
    return ModelDescription(
        name=model.name,
        versions=sorted(model.versions, key=int),
        platform=f"segwright_{version.manifest.format}",
        inputs=[TensorDescription(name=IMAGE, datatype="UINT8", shape=[-1, -1, -1, 3])],
        outputs=[
            TensorDescription(name=LABEL_MAP, datatype=datatype(version), shape=[-1, -1, -1]),
            TensorDescription(name=PNG, datatype="BYTES", shape=[-1]),
        ],
    )
