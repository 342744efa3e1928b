"""What a client is told when its request fails: a status, a sentence, the field at fault."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

log = logging.getLogger("segwright.serve")


class Problem(BaseModel):
    """The body of every answer that is no success."""

    model_config = ConfigDict(json_schema_extra={"example": {"error": "img_b64 is missing", "field": "img_b64"}})

    error: str
    field: str | None = None


class Refused(Exception):  # noqa: N818
    """A request that is not served.

    Attributes:
        status: HTTP status code.
        problem: what the client is told.
        headers: further headers of the answer.
    """

    def __init__(
        self, status: int, error: str, *, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status, self.problem, self.headers = status, Problem(error=error, field=field), headers or {}

    def answer(self) -> JSONResponse:
        """As a response."""
        return JSONResponse(self.problem.model_dump(), self.status, headers=self.headers)


def busy(what: str, seconds: float = 1.0) -> Refused:
    """Too much to do: come back after some seconds."""
    wait = max(1, round(seconds))
    return Refused(429, f"{what}; try again in {wait} s", headers={"Retry-After": str(wait)})


def add_handlers(app: FastAPI) -> None:
    """Have every failure answered in the same shape."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return error.answer()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or None
        return Refused(400, f"{place or 'the request'}: {first['msg']}", field=place).answer()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 404:
            told = {"error": f"there is nothing at {request.scope['path']}", "field": None}
            if not request.scope["state"].get("stranger"):  # who has no key learns no model's name
                told["urls"] = app.state.urls()
            return JSONResponse(told, 404)
        detail = f"{request.method} is not possible here" if error.status_code == 405 else str(error.detail)
        return Refused(error.status_code, detail, headers=dict(error.headers or {})).answer()

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        log.error("an answer failed", exc_info=error)
        return Refused(500, "the server failed at this request; its log says why").answer()


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The request is not as it should be"},
    401: {"model": Problem, "description": "No valid API key"},
    404: {"model": Problem, "description": "No such model or version"},
    408: {"model": Problem, "description": "The request did not arrive in time"},
    413: {"model": Problem, "description": "Too many bytes or pixels"},
    415: {"model": Problem, "description": "Not a picture"},
    429: {"model": Problem, "description": "Too many requests at the moment; Retry-After says when to try again"},
    503: {"model": Problem, "description": "No answer within the time for it; Retry-After says when to try again"},
}
"""For the OpenAPI document."""

ENDING: dict[int | str, dict[str, Any]] = {503: {"description": "The server is about to end"}}
"""The same, of readiness."""
