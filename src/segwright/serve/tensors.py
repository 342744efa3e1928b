"""Tensors of the open inference protocol: in JSON, or as bytes behind it."""

import re
import struct
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from segwright.serve.problems import Refused

HEADER_LENGTH = "Inference-Header-Content-Length"
LENGTH = re.compile(r"\d{1,12}", re.ASCII)  # Python refuses to read thousands of digits as a number
DATA = "inputs.0.data"


class InputTensor(BaseModel):
    """An input, its values here or after the JSON."""

    name: str
    datatype: str
    shape: Annotated[list[int], Field(max_length=8)]
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


def split_body(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    """The JSON and what follows it.

    Raises:
        Refused: 400 if the header does not fit the body.
    """
    if header_length is None:
        return body, b""
    length = int(header_length) if LENGTH.fullmatch(header_length) else -1
    if not 0 <= length <= len(body):
        raise Refused(400, f"{HEADER_LENGTH} is {header_length[:40]!r}, and the body has {len(body)} bytes")
    return body[:length], body[length:]


def pixels(image: InputTensor, content: bytes | None, max_pixels: int) -> np.ndarray:
    """The (N, H, W, 3) uint8 array of a tensor.

    Raises:
        Refused: 400 if kind, shape and values do not fit together, 413 with too many pixels.
    """
    shape = image.shape
    if image.datatype != "UINT8":
        error = f"want UINT8 pixels or BYTES with encoded pictures, got {image.datatype}"
        raise Refused(400, error, field="inputs.0.datatype")
    if len(shape) != 4 or shape[3] != 3 or min(shape) < 1:
        raise Refused(400, f"pixels have the shape [N, H, W, 3], got {shape}", field="inputs.0.shape")
    if shape[1] * shape[2] > max_pixels:
        error = f"the pictures have {shape[2]}x{shape[1]} pixels, and the limit is {max_pixels}"
        raise Refused(413, error, field="inputs.0.shape")
    count = shape[0] * shape[1] * shape[2] * 3
    if content is not None:
        if len(content) != count:
            raise Refused(400, f"the shape {shape} wants {count} bytes, and {len(content)} came", field=DATA)
        return np.frombuffer(content, np.uint8).reshape(shape)
    try:  # as objects: for a kind of its own NumPy would give every value the room of the longest text
        values = np.asarray(image.data or [], dtype=object).ravel()
    except ValueError as error:  # lists in lists without end
        raise Refused(400, f"the values form no tensor: {error}", field=DATA) from error
    if values.size != count or set(map(type, values)) != {int}:
        raise Refused(400, f"the shape {shape} wants {count} whole numbers, got {values.size} values", field=DATA)
    low, high = min(values), max(values)
    if low < 0 or high > 255:
        raise Refused(400, "pixel values are 0 to 255, and some are not", field=DATA)
    return values.astype(np.uint8).reshape(shape)


def byte_strings(content: bytes, count: int) -> list[bytes]:
    """The elements of a BYTES tensor: each a length, four bytes little-endian, and as many bytes.

    Raises:
        Refused: 400 if there are not ``count``.
    """
    found, place = [], 0
    while place + 4 <= len(content):
        (length,) = struct.unpack_from("<I", content, place)
        found.append(content[place + 4 : place + 4 + length])
        place += 4 + length
    if place != len(content) or len(found) != count:
        raise Refused(400, f"the bytes are not {count} elements, each after its length in four bytes", field=DATA)
    return found


def packed_strings(elements: Sequence[bytes]) -> bytes:
    """The bytes of a BYTES tensor."""
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)
