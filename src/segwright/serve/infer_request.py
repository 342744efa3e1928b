"""What a request of the open inference protocol brings: its JSON, the values behind it, and the pictures they are."""

from typing import Any

from pydantic import BaseModel, Field

from segwright.serve.bodies import parsed
from segwright.serve.pictures import EncodedPicture, Incoming, PlainPixels, from_base64
from segwright.serve.problems import Refused
from segwright.serve.tensors import DATA, InputTensor, byte_strings, pixels, split_body

IMAGE, LABEL_MAP, PNG = "image", "label_map", "png"

MAX_TENSORS = 16  # so that a list of a million mistakes is not answered with a million problems


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

    @property
    def wanted(self) -> list[OutputRequest]:
        """The outputs to send."""
        return self.outputs or [OutputRequest(name=LABEL_MAP)]

    @property
    def wanted_names(self) -> list[str]:
        """Their names."""
        return [output.name for output in self.wanted]


def read_request(body: bytes, header_length: str | None) -> tuple[InferRequest, dict[str, bytes]]:
    """The request's JSON, and the bytes of each input whose values follow it.

    Raises:
        Refused: 400 if JSON, lengths and bytes do not fit together.
    """
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


def only_image(asked: InferRequest) -> InputTensor:
    """The one input, of a request for outputs that there are.

    Raises:
        Refused: 400.
    """
    names = [tensor.name for tensor in asked.inputs]
    if names != [IMAGE]:
        raise Refused(400, f"want one input, '{IMAGE}'; got {', '.join(names)}", field="inputs.0.name")
    seen: set[str] = set()
    for index, output in enumerate(asked.outputs):
        if output.name not in (LABEL_MAP, PNG):
            error = f"there is no output '{output.name}'; want {LABEL_MAP} or {PNG}"
            raise Refused(400, error, field=f"outputs.{index}.name")
        if output.name in seen:
            raise Refused(400, f"output '{output.name}' is asked for twice", field=f"outputs.{index}.name")
        seen.add(output.name)
    image = asked.inputs[0]
    if not image.shape or image.shape[0] < 1:
        raise Refused(400, f"the shape {image.shape} holds no picture", field="inputs.0.shape")
    return image


def sent_pictures(
    image: InputTensor, content: bytes | None, *, max_pixels: int, bit_depth: int | None
) -> list[Incoming]:
    """The pictures of an input, not decoded yet.

    Their label maps are answered together, so together they may have no more pixels than a single picture.

    Args:
        image: the input.
        content: its values, where they follow the JSON.
        max_pixels: of all of them.
        bit_depth: as in ``read_image``.

    Raises:
        Refused: 400, 413 or 415.
    """
    if image.datatype != "BYTES":
        pictures: list[Incoming] = [PlainPixels(picture) for picture in pixels(image, content, max_pixels)]
    else:
        pictures = [
            EncodedPicture(file, max_pixels=max_pixels, bit_depth=bit_depth, field=IMAGE)
            for file in _files(image, content)
        ]
    total = sum(picture.pixels for picture in pictures)
    if total > max_pixels:
        error = f"the {len(pictures)} pictures have {total} pixels, and the limit for a request is {max_pixels}"
        raise Refused(413, f"{error}: send them one after the other", field="inputs.0")
    return pictures


def _files(image: InputTensor, content: bytes | None) -> list[bytes]:
    """The encoded pictures of a BYTES tensor."""
    if image.shape != [image.shape[0]]:
        raise Refused(400, f"encoded pictures have the shape [N], got {image.shape}", field="inputs.0.shape")
    if content is not None:
        return byte_strings(content, image.shape[0])
    data = image.data or []
    if len(data) != image.shape[0] or not all(isinstance(text, str) for text in data):
        raise Refused(400, f"want {image.shape[0]} texts of base64, as the shape says", field=DATA)
    return [from_base64(text, field=DATA) for text in data]
