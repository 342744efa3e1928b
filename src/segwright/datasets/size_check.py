"""What to say where a label map is not of its picture's size."""

from pathlib import Path

from segwright.datasets.list_file import Pair
from segwright.images.decode import decode
from segwright.types import Size


def size_mismatch(pair: Pair, image: Size, label: Size, picture: Path | bytes) -> str:
    """Both sizes, and what probably happened; ``picture`` is what there is to decode."""
    message = f"{pair.image} is {image}, but its label map {pair.label} is {label} (width x height); "
    beside = label.height == image.height and label.width % image.width == 0
    below = label.width == image.width and label.height % image.height == 0
    if beside or below:
        return message + "if it holds a map for each class, say --use_multilabel (multilabel: True)"
    if (image.height, image.width) != (label.width, label.height):
        return message + "draw or export the label map at the size of the picture"
    orientation = decode(picture).orientation
    if orientation in (5, 6, 7, 8):
        return message + (
            f"the picture was turned upright as its EXIF orientation {orientation} asks, the label map was not: "
            f"turn the label map too, or save the picture without EXIF"
        )
    return message + "width and height are swapped: transpose the label map"
