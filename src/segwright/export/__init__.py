"""From a trained model to files that run without torch, proven equal to it before they are left on the disk."""

from segwright.export.assemble import Bundle, export_model
from segwright.export.int8 import Calibration
from segwright.export.triton import check_triton, write_triton
from segwright.export.verify import Verification

__all__ = ["Bundle", "Calibration", "Verification", "check_triton", "export_model", "write_triton"]
