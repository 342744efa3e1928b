"""A picture in, a label map, an overlay or polygons out: the plain way, for curl, forms and the web page."""

import json
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile

from segwright.images import encode_label_map
from segwright.serve.models import Answer, Models
from segwright.serve.pictures import CONTENT_TYPES, EncodedPicture, describe, to_overlay
from segwright.serve.problems import PROBLEMS, Refused
from segwright.serve.versions import Version

Output = Literal["png", "overlay", "json"]

BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "string", "format": "binary"}},
                }
            },
            **{f"image/{kind}": BINARY for kind in ("jpeg", "png", "bmp", "webp", "tiff", "gif")},
        },
    }
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "png: class ids as pixel values; overlay: JPEG; json: pixels and outlines of each class",
        "content": {
            "image/png": BINARY,
            "image/jpeg": BINARY,
            "application/json": {"schema": {"type": "object"}},
        },
    },
    **PROBLEMS,
}


def segment_routes(models: Models) -> APIRouter:
    """``POST /models/NAME/segment``, also of a certain version."""
    router = APIRouter(tags=["pictures"])

    @router.post("/models/{name}/segment", responses=ANSWERS, openapi_extra=BODY, response_class=Response)
    async def segment(name: str, request: Request, output: Output = "png") -> Response:
        """Segment a picture with the newest version of a model."""
        return await answered(request, name, None, output)

    @router.post(
        "/models/{name}/versions/{version}/segment", responses=ANSWERS, openapi_extra=BODY, response_class=Response
    )
    async def segment_by_version(name: str, version: str, request: Request, output: Output = "png") -> Response:
        """Segment a picture with one version of a model."""
        return await answered(request, name, version, output)

    async def answered(request: Request, name: str, number: str | None, output: Output) -> Response:
        with models.admitted(name, number) as version:
            content = await _content(request)

            def picture() -> EncodedPicture:
                limit, bit_depth = models.options.max_pixels, version.manifest.bit_depth
                return EncodedPicture(content, max_pixels=limit, bit_depth=bit_depth, field="image")

            answer = await models.answer(version, picture)
            with answer.timed("encode"):
                encoded = await models.in_thread(lambda: _encoded(answer, version, output))
        models.note(request, version, answer)
        timing = ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in answer.timing.items())
        headers = {"Server-Timing": timing, "X-Model-Version": version.number}
        return Response(encoded, media_type=CONTENT_TYPES[output], headers=headers)

    return router


async def _content(request: Request) -> bytes:
    """The picture's bytes, from a form or as the whole body.

    Raises:
        Refused: 400, or 415 for another kind of body.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("image/") or kind == "application/octet-stream":
        return await request.body()
    if kind != "multipart/form-data":
        wanted = "multipart/form-data with the field 'image', or the picture itself with its type, like image/jpeg"
        raise Refused(415, f"the body is '{kind or 'of no type'}'; want {wanted}")
    async with request.form(max_files=1, max_fields=8) as form:
        image = form.get("image")
        if not isinstance(image, UploadFile):
            what = "is text, not a file" if image else "is missing"
            raise Refused(400, f"the form's field 'image' {what}: send the picture as a file", field="image")
        return await image.read()


def _encoded(answer: Answer, version: Version, output: Output) -> bytes:
    palette = version.manifest.palette
    if output == "png":
        return encode_label_map(answer.label, palette)
    if output == "overlay":
        return to_overlay(answer.picture, answer.label, palette)
    height, width = answer.label.shape
    classes = describe(answer.label, palette, version.class_names)
    content = {"model": version.model, "version": version.number, "width": width, "height": height, "classes": classes}
    return json.dumps(content).encode()
