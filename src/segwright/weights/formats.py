"""What a file is, told by its first bytes, since names lie."""

from typing import Literal

from segwright.fetch import is_web_page

Format = Literal["pdparams", "pth", "safetensors"]
SUFFIXES = (".safetensors", ".pdparams", ".pth")
LARGEST = 8 << 30  # bytes; the largest published weights for segmentation have one or two GB

LEGACY_PTH = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")  # torch.save before version 1.6: a pickled number first
PICKLE_STARTS = b"\x80}(c]"  # protocol 2 and later, and how a dictionary or an object begins in protocols 0 and 1
SAFETENSORS_HEADER_LIMIT = 100_000_000  # bytes, by the format's definition

FOREIGN = {  # first bytes of what people hand over by mistake
    b"version https://git-lfs": "a Git LFS pointer, not the file itself; run: git lfs pull",
    b"BZh": "a bzip2 archive; unpack it first",
    b"\xfd7zXZ": "an xz archive; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x89HDF": "an HDF5 file (Keras?)",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x00\x00\x00\x00": "perhaps Paddle's inference format (.pdiparams); give the .pdparams of training",
}


def recognise(data: bytes) -> Format | None:
    """Format of a file of weights, or None for anything else."""
    if data.startswith((b"PK\x03\x04", LEGACY_PTH)):
        return "pth"
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= SAFETENSORS_HEADER_LIMIT:
        return "safetensors"
    if data and data[0] in PICKLE_STARTS:
        return "pdparams"
    return None


def describe(data: bytes) -> str:
    """What a file that is no weights probably is."""
    if not data:
        return "an empty file"
    if is_web_page(data):
        return "a web page (HTML), probably saved in place of a download"
    named = next((name for start, name in FOREIGN.items() if data.startswith(start)), None)
    return named or f"of an unknown format (it begins with {data[:8]!r})"
