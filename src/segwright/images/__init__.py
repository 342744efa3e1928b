"""Picture and label files in and out, colours for label maps. NumPy, Pillow and OpenCV only."""

from segwright.images.listing import IMAGE_SUFFIXES, list_images, output_paths
from segwright.images.palette import Colour, Palette, custom_palette, default_palette, overlay
from segwright.images.read import read_image, read_label
from segwright.images.write import write_image, write_label_map

__all__ = [
    "IMAGE_SUFFIXES",
    "Colour",
    "Palette",
    "custom_palette",
    "default_palette",
    "list_images",
    "output_paths",
    "overlay",
    "read_image",
    "read_label",
    "write_image",
    "write_label_map",
]
