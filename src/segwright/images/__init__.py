"""Picture and label files in and out, colours for label maps. NumPy, Pillow and OpenCV only."""

from segwright.images.comparison import compare
from segwright.images.decode import MAX_PIXELS
from segwright.images.label_stack import join_maps, split_maps, topmost
from segwright.images.legend import LegendEntry, with_legend
from segwright.images.listing import IMAGE_SUFFIXES, list_images, output_paths
from segwright.images.palette import BACKGROUND, Colour, Palette, custom_palette, default_palette, overlay, overlay_maps
from segwright.images.read import read_image, read_label
from segwright.images.write import encode_image, encode_label_map, write_image, write_label_map

__all__ = [
    "BACKGROUND",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "Colour",
    "LegendEntry",
    "Palette",
    "compare",
    "custom_palette",
    "default_palette",
    "encode_image",
    "encode_label_map",
    "join_maps",
    "list_images",
    "output_paths",
    "overlay",
    "overlay_maps",
    "read_image",
    "read_label",
    "split_maps",
    "topmost",
    "with_legend",
    "write_image",
    "write_label_map",
]
