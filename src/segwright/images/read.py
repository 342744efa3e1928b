"""The one reader of pictures and label maps. The same rules hold for both, in training, evaluation and prediction.

* Files are recognised by content. Damaged, truncated and oversized files are errors that name the file.
* EXIF orientation is applied to pictures and labels alike; a value outside 1..8 counts as upright.
* ICC profiles are not applied: values are taken as stored, as OpenCV and hence PaddleSeg take them.
* CMYK becomes RGB by the plain rule R = 255 (1 - C)(1 - K).
* Of an animation the first frame is read.
"""

from typing import Literal

import cv2
import numpy as np

from segwright.errors import ConfigError, DataError
from segwright.images.decode import MAX_PIXELS, Decoded, Source, decode, notice


def read_image(
    source: Source,
    *,
    bit_depth: int | None = None,
    alpha: Literal["drop"] | tuple[int, int, int] = "drop",
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Read a picture as RGB.

    Args:
        source: a file, or its content as bytes.
        bit_depth: how many bits a file with more than 8 bits per value really uses, for example 12 for many
            sensors that store 16. Values become round(value * 255 / (2**bit_depth - 1)). 8-bit files are not changed.
        alpha: ``"drop"`` ignores transparency; a colour (r, g, b) is put behind the transparent parts.
        max_pixels: larger pictures are refused before they are decoded.

    Returns:
        (H, W, 3) uint8, RGB; gray pictures repeated three times, palettes looked up.

    Raises:
        DataError: the file is missing, damaged, too large, or stores more than 8 bits and ``bit_depth`` is not given.
        ConfigError: ``bit_depth`` is not 9..16.
    """
    if bit_depth is not None and not 9 <= bit_depth <= 16:
        raise ConfigError(f"bit_depth is the number of bits that deep pictures use, 9 to 16, got {bit_depth}")
    picture = decode(source, max_pixels)
    return upright(as_rgb(picture, bit_depth=bit_depth, alpha=alpha), picture.orientation)


def as_rgb(
    picture: Decoded, *, bit_depth: int | None = None, alpha: Literal["drop"] | tuple[int, int, int] = "drop"
) -> np.ndarray:
    """What a file stores as ``read_image`` gives it, not yet turned upright.

    Raises:
        DataError: it stores more than 8 bits and ``bit_depth`` is not given, or too small.
    """
    deep = picture.values is not None and picture.values.dtype == np.uint16
    values = _scaled(picture, bit_depth) if deep else _eight_bit(picture)
    if values.shape[2] == 4:
        values = _without_alpha(values, alpha, picture.name)
    return values


def read_label(source: Source, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read a label map: the stored numbers are the class ids.

    Palette files give their indices, 1-bit files 0 and 1, 2- and 4-bit files their numbers. RGB files are accepted
    if red, green and blue agree everywhere.

    Args:
        source: a file, or its content as bytes.
        max_pixels: larger files are refused before they are decoded.

    Returns:
        (H, W) uint8, or int32 where an id does not fit.

    Raises:
        DataError: the file is missing, damaged, too large, compressed with loss, or holds colours or fractions.
    """
    picture = decode(source, max_pixels, ids=True)
    if picture.lossy:
        raise DataError(
            f"{picture.name} is compressed with loss ({picture.image.format}), which changes class ids near every "
            f"border; save label maps as PNG, from the original annotation, not from this file"
        )
    ids = upright(_ids(picture), picture.orientation)
    fits = ids.dtype == np.uint8 or (ids.min() >= 0 and ids.max() <= 255)
    return ids.astype(np.uint8 if fits else np.int32, copy=False)


def _eight_bit(picture: Decoded) -> np.ndarray:
    """(H, W, 3) or (H, W, 4) uint8."""
    image, name = picture.image, picture.name
    if picture.bits > 8:
        raise DataError(
            f"{name} holds {picture.bits}-bit values of kind '{image.mode}', which have no agreed brightness; "
            f"save it with 8 bits per value, or as unsigned 16-bit gray or RGB and declare bit_depth"
        )
    if image.mode in ("1", "L", "LA"):
        notice(name, "is gray: its values serve as red, green and blue")
    if picture.values is not None:
        return cv2.cvtColor(picture.values, cv2.COLOR_GRAY2RGB) if picture.values.ndim == 2 else picture.values
    try:
        return np.array(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    except ValueError as error:  # a colour space like LAB
        raise DataError(f"{name} cannot be converted to RGB: {error}; save it as RGB") from error


def _scaled(picture: Decoded, bit_depth: int | None) -> np.ndarray:
    """``picture.values``, which are uint16, as (H, W, 3) or (H, W, 4) uint8."""
    deep, name = picture.values, picture.name
    assert deep is not None
    largest = int(deep.max())
    if bit_depth is None:
        raise DataError(
            f"{name} has {picture.bits} bits per value (largest value {largest}), and how many of them are used is not "
            f"said; declare bit_depth (16 if values reach 65535, 12 for 4095, 10 for 1023), or save it with 8 bits"
        )
    top = 2**bit_depth - 1
    if largest > top:
        raise DataError(f"{name} holds the value {largest}, but bit_depth {bit_depth} ends at {top}; declare more bits")
    table = ((np.arange(top + 1) * 510 + top) // (2 * top)).astype(np.uint8)  # round(value * 255 / top) in integers
    values = table[deep]
    return np.repeat(values[:, :, None], 3, axis=2) if values.ndim == 2 else values


def _without_alpha(rgba: np.ndarray, alpha: Literal["drop"] | tuple[int, int, int], name: str) -> np.ndarray:
    if alpha == "drop":
        notice(name, "has transparency, which is ignored: hidden colours become visible")
        return rgba[:, :, :3]
    colour, opacity = rgba[:, :, :3].astype(np.uint16), rgba[:, :, 3:].astype(np.uint16)
    return ((colour * opacity + np.array(alpha, np.uint16) * (255 - opacity) + 127) // 255).astype(np.uint8)


def _ids(picture: Decoded) -> np.ndarray:
    """(H, W) integers as stored."""
    image, name = picture.image, picture.name
    if picture.values is not None and picture.values.ndim == 2:
        return picture.values
    if image.mode in ("1", "P", "I"):
        return np.array(image)
    if image.mode in ("L", "LA", "PA"):
        ids = np.array(image.getchannel(0))
        # Pillow stretches 2 and 4 bits to 0..255
        return ids // (255 // (2**picture.bits - 1)) if picture.bits in (2, 4) else ids
    if picture.bits > 8:
        raise DataError(
            f"{name} holds {picture.bits}-bit values of kind '{image.mode}', not ids; save ids as 8-bit PNG"
        )
    rgb = np.array(image.convert("RGB"))
    if not ((rgb[:, :, 0] == rgb[:, :, 1]) & (rgb[:, :, 0] == rgb[:, :, 2])).all():
        colours = np.unique(rgb[:: max(1, rgb.shape[0] // 256), :: max(1, rgb.shape[1] // 256)].reshape(-1, 3), axis=0)
        shown = ", ".join(str(tuple(int(value) for value in colour)) for colour in colours[:6])
        raise DataError(
            f"{name} is a picture of colours, not of class ids (colours like {shown}); replace each colour by its "
            f"class id, 0, 1, 2 ... with 255 for ignored pixels: segwright data remap IN OUT --colors TABLE"
        )
    notice(name, "stores ids three times, as gray RGB: one channel is read")
    return rgb[:, :, 0]


def upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn (H, W) or (H, W, C) stored values as an orientation asks (EXIF 2.3, section 4.6.4 A); contiguous."""
    if orientation in (5, 6, 7, 8):  # stored with rows and columns swapped
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
