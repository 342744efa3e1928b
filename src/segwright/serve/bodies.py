"""JSON bodies: read beside the event loop, which a large one would stop, and described for the OpenAPI document."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from segwright.serve.problems import Refused

M = TypeVar("M", bound=BaseModel)


def parsed(body: bytes, kind: type[M]) -> M:
    """The object that a JSON body describes.

    Raises:
        Refused: 400, naming the field at fault.
    """
    if not body.strip():
        raise Refused(400, "the request has no body; want JSON")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = first["msg"][0].lower() + first["msg"][1:]
        raise Refused(400, f"{field or 'the body'}: {message}", field=field) from error


def json_body(kind: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body that ``parsed`` reads."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}}}
