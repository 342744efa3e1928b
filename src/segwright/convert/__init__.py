"""Annotations of other programs and data sets as label maps, and label maps as such annotations. No torch."""

from segwright.convert.cityscapes import convert_cityscapes
from segwright.convert.classes import CLASS_FILE, Classes, is_background, read_class_names
from segwright.convert.coco_folder import convert_coco
from segwright.convert.coco_read import dense_ids, kept_ids, read_coco
from segwright.convert.coco_write import write_coco
from segwright.convert.colour_table import Entry, palette_entries, read_colour_table
from segwright.convert.labelme_folder import Painting, collect_labels, convert_labelme, find_labelme
from segwright.convert.labelme_write import write_labelme
from segwright.convert.overlays import Look, write_overlays
from segwright.convert.pascal_context import convert_context
from segwright.convert.remap import Colours, NewIds, Threshold, convert_mask_files, convert_masks
from segwright.convert.voc_augment import augment_voc

__all__ = [
    "CLASS_FILE",
    "Classes",
    "Colours",
    "Entry",
    "Look",
    "NewIds",
    "Painting",
    "Threshold",
    "augment_voc",
    "collect_labels",
    "convert_cityscapes",
    "convert_coco",
    "convert_context",
    "convert_labelme",
    "convert_mask_files",
    "convert_masks",
    "dense_ids",
    "find_labelme",
    "is_background",
    "kept_ids",
    "palette_entries",
    "read_class_names",
    "read_coco",
    "read_colour_table",
    "write_coco",
    "write_labelme",
    "write_overlays",
]
