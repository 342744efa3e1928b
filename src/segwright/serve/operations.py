"""What operators and clients ask of a server: is it alive, is it ready, what does it serve, how is it doing?"""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from segwright.errors import SegwrightError
from segwright.serve.models import Models
from segwright.serve.pictures import hex_colour
from segwright.serve.problems import ENDING, PROBLEMS, Refused
from segwright.serve.versions import Version


class SegmentationClass(BaseModel):
    """A class and its colour, as in a style sheet."""

    id: int
    name: str
    color: str


class NetworkSize(BaseModel):
    """Height and width that the network takes after preprocessing; null where any will do."""

    height: int | None
    width: int | None


class ServedModel(BaseModel):
    """A model, its newest version described."""

    name: str
    version: str
    versions: list[str]
    classes: list[SegmentationClass]
    input: NetworkSize
    precision: str
    engine: str
    problem: str | None = None


class ServedModels(BaseModel):
    """All models."""

    models: list[ServedModel]


def operation_routes(models: Models) -> APIRouter:
    """Health, metrics, what is served, and loading it again."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live")
    @router.get("/v2/health/live")
    async def live() -> dict[str, bool]:
        """Whether the process answers."""
        return {"live": True}

    @router.get("/health/ready", responses=ENDING)
    @router.get("/v2/health/ready", responses=ENDING)
    async def ready() -> JSONResponse:
        """Whether new requests are welcome."""
        return JSONResponse({"ready": models.is_ready}, 200 if models.is_ready else 503)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """For Prometheus."""
        for model in models.by_name.values():
            models.metrics.working.labels(model.name).set(model.accepted)
            waiting = sum(version.waiting for version in model.versions.values())
            models.metrics.waiting.labels(model.name).set(waiting)
        return Response(models.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/models")
    async def served() -> ServedModels:
        """The models with their classes and colours."""
        return ServedModels(models=[_described(models, model.version()) for model in models.by_name.values()])

    @router.post("/v2/repository/index")
    async def index() -> list[dict[str, Any]]:
        """The models and their versions."""
        return [
            {"name": version.model, "version": version.number, "state": "READY", "reason": ""} for version in models
        ]

    @router.post("/v2/repository/models/{name}/load", responses=PROBLEMS)
    async def load_again(name: str) -> dict[str, Any]:
        """Open the model's files again; where that fails the old ones go on."""
        model = models[name]
        try:
            await models.reload(model)
        except SegwrightError as error:
            raise Refused(400, f"the files of model {name} cannot be used: the server's log says why") from error
        return {"name": name, "versions": sorted(model.versions, key=int)}

    return router


def _described(models: Models, version: Version) -> ServedModel:
    manifest, model = version.manifest, models[version.model]
    _, _, height, width = manifest.input_shape
    return ServedModel(
        name=version.model,
        version=version.number,
        versions=sorted(model.versions, key=int),
        classes=[
            SegmentationClass(id=index, name=name, color=hex_colour(manifest.palette[index]))
            for index, name in enumerate(version.class_names)
        ],
        input=NetworkSize(height=height if height > 0 else None, width=width if width > 0 else None),
        precision=version.predictor.options.precision or manifest.precision,
        engine=version.predictor.engine.title,
        problem="its newest files cannot be used; the server's log says why" if model.problem else None,
    )
