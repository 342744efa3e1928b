"""A picture that is carried over as it is: its size as everything here sees it, and the suffix of its format."""

import io

from PIL import Image, UnidentifiedImageError

from segwright.errors import DataError
from segwright.types import Size

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "GIF": ".gif", "TIFF": ".tif", "WEBP": ".webp"}
ORIENTATION = 274  # EXIF tag; 5 to 8 swap rows and columns


def picture_facts(content: bytes, name: str) -> tuple[Size, str]:
    """Size, upright as EXIF asks, and suffix of a picture file; only its header is read.

    Raises:
        DataError: it is no picture of a format that is read here.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            orientation = image.getexif().get(ORIENTATION, 1)
            suffix = SUFFIXES.get(image.format or "")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{name} is not a picture that can be read: {error}") from error
    if suffix is None:
        raise DataError(f"{name} is a picture of another format than {', '.join(SUFFIXES)}; save it as PNG")
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    return Size(height, width), suffix
