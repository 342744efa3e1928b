"""JSON bodies: read beside the event loop, which a large one would stop, and described for the OpenAPI document."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from segwright.serve.problems import Refused

M = TypeVar("M", bound=BaseModel)

MAX_BRACKETS = 1_000_000  # lists and objects; each takes some hundred bytes of memory for three in the request


def parsed(body: bytes, kind: type[M]) -> M:
    """The object that a JSON body describes.

    Raises:
        Refused: 400, naming the field at fault.
    """
    if not body.strip():
        raise Refused(400, "the request has no body; want JSON")
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_BRACKETS:
        error = f"the JSON has {brackets} brackets, and the limit is {MAX_BRACKETS}: send values as one flat list"
        raise Refused(413, error)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        message = first["msg"][0].lower() + first["msg"][1:]
        raise Refused(400, f"{field or 'the body'}: {message}", field=field) from error


def json_body(kind: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body that ``parsed`` reads."""
    schema = kind.model_json_schema()
    whole = _inlined(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole}}}}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its definitions in the places that name them, since OpenAPI looks for them elsewhere."""
    if isinstance(schema, list):
        return [_inlined(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(part, definitions) for key, part in schema.items()}
