"""Pictures and label maps on the disk."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from errors import EdgeError
from PIL import Image, ImageOps

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


def list_pictures(path: Path) -> list[Path]:
    """The picture, or those of a folder and its sub-folders in alphabetical order.

    Raises:
        EdgeError: there is none.
    """
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not found:
        raise EdgeError(f"{path} {'holds no pictures' if path.is_dir() else 'does not exist'}")
    return found


def read_picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB, turned upright by EXIF; transparency is ignored.

    Raises:
        EdgeError: it is missing, damaged, cut short, or holds more than 8 bits a value.
    """
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                raise EdgeError(f"{path} holds more than 8 bits a value ({image.mode}): save it with 8")
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError as error:
        raise EdgeError(f"{path} does not exist") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise EdgeError(f"{path} is no picture that can be read: {error}") from error


def read_label_map(path: Path) -> np.ndarray:
    """(H, W) class ids of a PNG as ``segwright`` writes them: the stored numbers, whatever colours they show."""
    with Image.open(path) as image:
        return np.asarray(image)


def write_label_map(path: Path, labels: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> None:
    """Write a PNG whose stored numbers are the class ids, and which shows them in the palette's colours."""
    image = Image.fromarray(labels)
    if labels.dtype == np.uint8:
        image.putpalette([value for colour in palette[:256] for value in colour] + [0] * 3 * (256 - len(palette)))
    _save(image, path)


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB in the format of the suffix."""
    _save(Image.fromarray(picture), path)


def _save(image: Image.Image, path: Path) -> None:
    """Under a temporary name first: a file that is there is whole."""
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(part, quality=95)
        os.replace(part, path)
    except OSError as error:
        raise EdgeError(f"cannot write {path}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
