"""The contract of PaddleHub Serving, for clients written for it: base64 in JSON in, base64 in JSON in JSON out.

The original answers with a JPEG, which changes class ids near every border. Here it is a gray PNG, which the same
clients decode, exactly. (Of a PNG with a palette they would get the colours.)
"""

import base64
import json

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from segwright.images import encode_label_map
from segwright.serve.bodies import json_body, parsed
from segwright.serve.models import Models
from segwright.serve.pictures import EncodedPicture, from_base64
from segwright.serve.problems import PROBLEMS


class HubRequest(BaseModel):
    """A picture."""

    img_b64: str = Field(description="an encoded picture (JPEG, PNG, ...) in base64; a data: URL is fine")


class HubAnswer(BaseModel):
    """A label map."""

    msg: str = ""
    results: str = Field(description='JSON: {"res": "<base64 of a gray PNG whose values are class ids>"}')


def hub_routes(models: Models) -> APIRouter:
    """``POST /predict/NAME``, also with a category before the name."""
    router = APIRouter(tags=["PaddleHub"])

    @router.post("/predict/{category}/{name}", responses=PROBLEMS, openapi_extra=json_body(HubRequest))
    async def predict_in_category(category: str, name: str, request: Request) -> HubAnswer:  # noqa: ARG001
        """As without the category, which PaddleHub's documentation has and which does not matter here."""
        return await predict(name, request)

    @router.post("/predict/{name}", responses=PROBLEMS, openapi_extra=json_body(HubRequest))
    async def predict(name: str, request: Request) -> HubAnswer:
        """Segment a picture, as PaddleHub Serving does."""
        body = await request.body()
        with models.admitted(name) as version:

            def picture() -> EncodedPicture:
                content = from_base64(parsed(body, HubRequest).img_b64, field="img_b64")
                limit, bit_depth = models.options.max_pixels, version.manifest.bit_depth
                return EncodedPicture(content, max_pixels=limit, bit_depth=bit_depth, field="img_b64")

            answer = await models.answer(version, picture)
            with answer.timed("encode"):
                png = await models.in_thread(lambda: encode_label_map(answer.label, None))
        models.note(request, version, answer)
        return HubAnswer(results=json.dumps({"res": base64.b64encode(png).decode()}))

    return router
